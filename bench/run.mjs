// How long does each command take, with how much CPU time and memory, beside the other runtimes of this machine?
// usage (as root): node bench/run.mjs [ROUNDS [LIVE …]]    writes build/bench.json and docs/bench.svg
// LIVE: so many containers live while as many lifecycles are measured again (default: 100). RUNTIMES=name=path,… adds others.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure, isMain, output, root, script } from '../scripts/process.mjs'
import { makeEngineBundle } from './engine-bundle.mjs'
import { picture, summary, table } from './report.mjs'
import { measurer, runtimes } from './runtimes.mjs'

const commands = ['run', 'create', 'state', 'start', 'exec', 'kill', 'delete']
const at = (path) => join(root, path)

/** crun takes a hybrid host for a v1 one only when the unified hierarchy is out of sight: so for all. */
function inOwnNamespace(args) {
  const hide = 'if [ -e /sys/fs/cgroup/unified ]; then umount /sys/fs/cgroup/unified; fi; exec "$@"'
  const self = [process.execPath, at('bench/run.mjs'), ...args]
  const { status } = spawnSync('unshare', ['-m', 'sh', '-c', hide, 'sh', ...self], {
    stdio: 'inherit',
    env: { ...process.env, BENCH_INSIDE: '1' },
  })
  if (status !== 0) throw new Failure('the measurement failed')
}

async function main(args) {
  if (process.getuid() !== 0) throw new Failure('running containers takes root')
  if (process.env.BENCH_INSIDE !== '1') return inOwnNamespace(args)
  const [rounds = '50', ...live] = args
  const folder = mkdtempSync(join(tmpdir(), 'tsrun-bench-'))
  const bench = { folder, measure: measurer(folder), all: runtimes().map((one) => prepare(folder, one)) }
  try {
    const caption = describeMachine(bench.all)
    console.log(caption)
    const names = bench.all.map(({ name }) => name)
    const rows = lifecycles(bench, Number(rounds))
    const result = { caption, names, rows }
    console.log(
      `\n${table('ms', rows.time, names)}\n\n${table('ms of CPU', rows.cpu, names)}\n\n${table('KiB', rows.memory, names)}`,
    )
    result.seccomp = coldFilter(bench)
    console.log(`\n${table('ms', [result.seccomp], names)}`)
    result.live = (live.length > 0 ? live : ['100']).flatMap((count) => manyLive(bench, Number(count)))
    result.parallel = await parallel(bench)
    console.log(`\n${table('ms', [...result.live, result.parallel], names)}`)
    mkdirSync(at('build'), { recursive: true })
    writeFileSync(at('build/bench.json'), JSON.stringify(result, null, 2))
    writeFileSync(
      at('docs/bench.svg'),
      picture('Milliseconds per command, medians', rows.time, names, caption.split(/: (?=tsrun)/)),
    )
  } finally {
    for (const { path, used } of bench.all) for (const id of used) spawnSync(path, ['delete', '--force', id])
    rmSync(folder, { recursive: true, force: true })
  }
}

function describeMachine(all) {
  const load = loadavg()[0].toFixed(1)
  const machine = `${cpus().length} × ${cpus()[0].model}, Linux ${output('uname', ['-r']).trim()}, load ${load}`
  return `${machine}, ${new Date().toISOString().slice(0, 10)}: ${all.map(({ version }) => version).join('; ')}`
}

/** A sleeping container's bundle, and one whose program ends at once; `used`: the ids that may be left. */
function prepare(folder, { name, path, version }) {
  const id = `bench-${name}-${process.pid}`
  const sleeper = makeEngineBundle(join(folder, `${name}-sleep`), { name: id, args: ['sleep', '100000'] })
  const short = makeEngineBundle(join(folder, `${name}-true`), { name: `${id}-run`, args: ['true'] })
  return { name, path, version, id, sleeper, short, used: new Set(), pidFile: join(folder, `${name}-pid`) }
}

/** Create to delete of each runtime, in turn; the first two rounds warm the caches. */
function lifecycles({ all, measure }, rounds) {
  const taken = new Map(all.map(({ name }) => [name, Object.fromEntries(commands.map((one) => [one, []]))]))
  for (let round = -2; round < rounds; round++) {
    for (const runtime of all) {
      const results = lifecycle(runtime, measure)
      if (round >= 0) for (const [one, result] of Object.entries(results)) taken.get(runtime.name)[one].push(result)
    }
  }
  const rows = (member) =>
    commands.map((name) => ({
      name,
      values: Object.fromEntries(
        all.map((one) => [one.name, summary(taken.get(one.name)[name].map((r) => r[member]))]),
      ),
    }))
  return { time: rows('ms'), cpu: rows('cpu'), memory: rows('memory') }
}

function lifecycle({ path, id, sleeper, short, used, pidFile }, measure) {
  used.add(id)
  const results = {
    run: measure(path, ['run', '--bundle', short, `${id}-run`]),
    create: measure(path, ['create', '--bundle', sleeper, '--pid-file', pidFile, id]),
    state: measure(path, ['state', id]),
    start: measure(path, ['start', id]),
    exec: measure(path, ['exec', id, '/bin/true']),
    kill: measure(path, ['kill', id, 'KILL']),
  }
  awaitEnd(readFileSync(pidFile, 'utf8'))
  results.delete = measure(path, ['delete', id])
  used.delete(id)
  return results
}

/** Until a killed process is gone, or a zombie of whoever it belongs to. */
function awaitEnd(pid) {
  const until = performance.now() + 10_000
  while (performance.now() < until) {
    let stat
    try {
      stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    } catch {
      return
    }
    if (/\) [ZX] /.test(stat)) return
  }
  throw new Failure(`process ${pid} lives 10 s after SIGKILL`)
}

/** The first container with a profile: nothing is compiled before. */
function coldFilter({ all, measure, folder }) {
  const values = {}
  for (const { name, path, short, id } of all) {
    const times = Array.from({ length: 10 }, (_, i) => {
      const state = join(folder, `${name}-cold-${i}`)
      return measure(path, ['--root', state, 'run', '--bundle', short, `${id}-cold`]).ms
    })
    values[name] = summary(times)
  }
  return { name: 'run, cold seccomp filter', values }
}

/** Does a container take longer beside many others? The first of them against the last. */
function manyLive({ all, measure }, count) {
  const sample = Math.min(100, Math.floor(count / 2))
  const rows = ['first', 'last'].map((which) => ({ name: `create, ${which} ${sample} of ${count} live`, values: {} }))
  const list = { name: `list of ${count}`, values: {} }
  for (const { name, path, id, sleeper, used } of all) {
    const ids = Array.from({ length: count }, (_, i) => `${id}-live-${i}`)
    const config = JSON.parse(readFileSync(join(sleeper, 'config.json'), 'utf8'))
    const times = ids.map((one) => {
      used.add(one)
      config.linux.cgroupsPath = `/${one}`
      writeFileSync(join(sleeper, 'config.json'), JSON.stringify(config))
      return measure(path, ['create', '--bundle', sleeper, one]).ms
    })
    rows[0].values[name] = summary(times.slice(0, sample))
    rows[1].values[name] = summary(times.slice(-sample))
    list.values[name] = summary(Array.from({ length: 20 }, () => measure(path, ['list']).ms))
    for (const one of ids) {
      measure(path, ['delete', '--force', one], { mayFail: true })
      used.delete(one)
    }
  }
  return [...rows, list]
}

/** 16 creators at once, each with five containers from create to delete: milliseconds per container. */
async function parallel({ all, folder }) {
  const [creators, each] = [16, 5]
  const values = {}
  for (const { name, path, id } of all) {
    const workers = Array.from({ length: creators }, (_, i) =>
      makeEngineBundle(join(folder, `${name}-parallel-${i}`), { name: `${id}-p${i}`, args: ['true'] }),
    )
    const began = performance.now()
    await Promise.all(workers.map((bundle, i) => repeat(path, each, ['run', '--bundle', bundle, `${id}-p${i}`])))
    values[name] = summary([(performance.now() - began) / creators / each])
  }
  return { name: `run, ${creators} at once, each`, values }
}

async function repeat(path, times, args) {
  for (let i = 0; i < times; i++) {
    const child = spawn(path, args, { stdio: 'ignore' })
    const status = await new Promise((resolve) => child.on('exit', resolve))
    if (status !== 0) throw new Failure(`${path} ${args.join(' ')}: status ${status}`)
  }
}

if (isMain(import.meta.url)) await script(main)
