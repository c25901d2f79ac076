// Does the library keep its promises? The event loop's delay, the CPU time of a cycle beside the kernel's floor, containers
// per second and exec probes beside crun, what stays after thousands of cycles, the installed size, a cold import.
// usage (as root): node bench/library.mjs [delay|cycle|parallel|exec|soak|size|import ...]     (default: all; CYCLES=5000 for soak)
import { execFile, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { promisify } from 'node:util'
import { defaultConfig, Runtime } from 'tsrun'
import { Failure, output, root, run, script } from '../scripts/process.mjs'
import { findProgram, staticBusybox } from '../scripts/tools.mjs'
import { makeEngineBundle } from './engine-bundle.mjs'

const folder = mkdtempSync(join(tmpdir(), 'tsrun-library-'))
const runtime = new Runtime({ root: join(folder, 'state') })
const crunRoot = join(folder, 'crun')
const rootfs = join(folder, 'rootfs')
let last = 0

const all = { delay, cycle, parallel, exec, soak, size, import: coldImport }

async function main(names) {
  if (process.getuid() !== 0) throw new Failure('running containers takes root')
  console.log(
    `${cpus().length} × ${cpus()[0].model}, load ${loadavg()[0].toFixed(1)}, Node.js ${process.versions.node}`,
  )
  // As /run is: neither the kernel's floor nor crun is to be compared with a disk.
  run('mount', ['-t', 'tmpfs', 'tmpfs', folder])
  makeRootfs()
  try {
    for (const name of names.length > 0 ? names : Object.keys(all)) {
      if (!Object.hasOwn(all, name)) throw new Failure(`there is no ${name}`)
      console.log(`${name}: ${await all[name]()}`)
    }
  } finally {
    for (const { id } of (await runtime.list()).containers) await runtime.delete(id, { force: true })
    run('umount', ['-l', folder])
    rmSync(folder, { recursive: true, force: true })
  }
}

function makeRootfs() {
  const busybox = staticBusybox()
  if (!busybox) throw new Failure('a static busybox is needed')
  for (const path of ['bin', 'proc', 'dev', 'sys', 'tmp']) mkdirSync(join(rootfs, path), { recursive: true })
  cpSync(busybox, join(rootfs, 'bin/busybox'))
  for (const program of ['true', 'sleep', 'sh']) symlinkSync('busybox', join(rootfs, 'bin', program))
}

/** A container of its own id; what has to end it is for the caller. */
function create(args = ['true']) {
  const config = defaultConfig({ rootfs, args })
  return runtime.create(`bench-${process.pid}-${++last}`, { bundle: rootfs, config, stdio: 'ignore' })
}

async function whole() {
  const container = await create()
  await container.start()
  await container.wait()
  await container.delete()
}

async function times(count, work) {
  for (let i = 0; i < count; i++) await work()
}

async function timed(work) {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}

const turns = 5

/** Delay of the event loop beyond the millisecond between two looks, while 100 containers are made at once. */
async function delay() {
  await times(20, whole)
  const found = []
  for (let turn = 0; turn < turns; turn++) {
    const monitor = monitorEventLoopDelay({ resolution: 1 })
    monitor.enable()
    const made = await Promise.all(Array.from({ length: 100 }, () => create()))
    monitor.disable()
    found.push(monitor)
    await Promise.all(made.map((container) => container.delete({ force: true })))
  }
  const ms = (pick) => median(found.map((monitor) => pick(monitor) / 1e6 - 1)).toFixed(1)
  return `100 at once, medians of ${turns}: p50 ${ms((m) => m.percentile(50))} ms, p99 ${ms((m) => m.percentile(99))} ms, max ${ms((m) => m.max)} ms`
}

const median = (values) => values.sort((one, other) => one - other)[Math.floor(values.length / 2)]

/** Milliseconds of CPU: of all threads, and of children that were waited for. */
function cpuTime() {
  const { user, system } = process.cpuUsage()
  const [, fields = ''] = readFileSync('/proc/self/stat', 'utf8').split(') ')
  const [children, theirs] = fields.split(' ').slice(13, 15).map(Number)
  return (user + system) / 1e3 + (children + theirs) * 10
}

/**
 * Create, start, wait, delete, one after the other, in turns with bench/floor.c: with the same namespaces and cgroups, and
 * with the same mounts, masks, limits and filter besides. V8 has compiled what it compiles, as in a program that goes on.
 */
async function cycle() {
  const program = join(folder, 'floor')
  run('cc', ['-O2', join(root, 'bench/floor.c'), '-o', program])
  const filter = join(folder, 'filter')
  const { steps } = await runtime.plan({ bundle: rootfs, config: defaultConfig({ rootfs, args: ['true'] }) })
  writeFileSync(filter, steps.find(({ op }) => op === 'seccomp').program)
  await times(2000, whole)
  const rounds = 150
  const ours = async () => {
    const [before, { user }] = [cpuTime(), process.cpuUsage()]
    const wall = await timed(() => times(rounds, whole))
    return [wall, cpuTime() - before, (process.cpuUsage().user - user) / 1e3].map((ms) => ms / rounds)
  }
  const floor = (...given) => {
    const told = output(program, [rootfs, String(rounds), ...given])
    return [.../: ([\d.]+) ms.*?([\d.]+) ms of CPU/.exec(told)].slice(1).map(Number)
  }
  const found = []
  for (let turn = 0; turn < 2 * turns + 1; turn++) {
    found.push([await ours(), floor('pmuicng'), floor('pmuicngs', filter)])
  }
  const ms = (at, what) => median(found.map((turn) => turn[at][what])).toFixed(2)
  const line = (at) => `${ms(at, 0)} ms, ${ms(at, 1)} ms of CPU`
  const ratio = (at) => `${median(found.map(([own, ...floors]) => own[1] / floors[at - 1][1])).toFixed(2)} ×`
  return `${line(0)}, ${ms(0, 2)} of them in user mode of this process
  floor of namespaces and cgroups ${line(1)}: ${ratio(1)}
  floor with the same mounts, devices, masks, limits and filter ${line(2)}: ${ratio(2)}`
}

/** Containers per second, 10 at once: the library, and crun by child processes. */
async function parallel() {
  const [workers, each] = [10, 30]
  await times(100, whole)
  const many = (work) =>
    timed(() => Promise.all(Array.from({ length: workers }, (_, at) => times(each, () => work(at)))))
  const ours = await many(whole)
  const crun = findProgram('crun')
  const rate = (ms) => ((1e3 * workers * each) / ms).toFixed(0)
  if (!crun) return `${rate(ours)} per second; there is no crun`
  const spawned = promisify(execFile)
  const theirs = await hidingUnified(async () => {
    const bundles = Array.from({ length: workers }, (_, at) =>
      makeEngineBundle(join(folder, `crun-${at}`), { name: `crun-${process.pid}-${at}`, args: ['true'] }),
    )
    return many((at) =>
      spawned(crun, ['--root', crunRoot, 'run', '--bundle', bundles[at], `bench-crun-${process.pid}-${at}`]),
    )
  })
  return `${rate(ours)} per second, crun ${rate(theirs)}: ${(theirs / ours).toFixed(2)} ×`
}

/** An exec of true, waited for: the library, and crun exec by child processes. */
async function exec() {
  const rounds = 200
  const container = await create(['sleep', '100000'])
  await container.start()
  const probe = async () => {
    const added = await container.exec({ args: ['true'], stdio: 'ignore' })
    await added.wait()
  }
  await times(100, probe)
  const ours = (await timed(() => times(rounds, probe))) / rounds
  await container.delete({ force: true })
  const results = [`${ours.toFixed(2)} ms`]
  for (const name of ['crun', 'runc']) {
    const program = findProgram(name)
    if (!program) continue
    const theirs = await hidingUnified(async () => {
      const id = `bench-${name}-${process.pid}`
      const bundle = makeEngineBundle(join(folder, `${name}-exec`), { name: id, args: ['sleep', '100000'] })
      run(program, ['run', '--detach', '--bundle', bundle, id])
      const spawned = promisify(execFile)
      const took = await timed(() => times(rounds, () => spawned(program, ['exec', id, '/bin/true'])))
      run(program, ['delete', '--force', id])
      return took / rounds
    })
    results.push(`${name} exec ${theirs.toFixed(2)} ms: ${(ours / theirs).toFixed(2)} ×`)
  }
  return results.join(', ')
}

/** crun takes a hybrid host for one of cgroup v1 only when the unified hierarchy is out of sight. */
async function hidingUnified(work) {
  if (process.env.BENCH_INSIDE !== '1') return work()
  spawnSync('umount', ['/sys/fs/cgroup/unified'])
  try {
    return await work()
  } finally {
    spawnSync('mount', ['-t', 'cgroup2', 'cgroup2', '/sys/fs/cgroup/unified'])
  }
}

/** Descriptors, threads and memory after each fifth of many cycles; of every second one nobody waits for the end. */
async function soak() {
  const count = Number(process.env.CYCLES ?? 5000)
  const look = () => {
    const { rss } = process.memoryUsage()
    const [fds, threads] = ['fd', 'task'].map((name) => readdirSync(`/proc/self/${name}`).length)
    return `${fds} fds ${threads} threads ${Math.round(rss / 2 ** 20)} MiB`
  }
  const found = []
  for (let part = 0; part < 5; part++) {
    await times(count / 10, async () => {
      await whole()
      const container = await create()
      await container.start()
      await container.delete({ force: true })
    })
    found.push(look())
  }
  return `${count} cycles: ${found.join(' | ')}`
}

/** What npm installs of the packed tarball, in MB. */
async function size() {
  const place = installed()
  const bytes = Number(output('du', ['-sb', join(place, 'node_modules')]).split('\t')[0])
  const largest = output('sh', ['-c', `cd ${place}/node_modules && du -sb * tsrun/* | sort -rn | head -12`])
  return `${(bytes / 1e6).toFixed(1)} MB\n${largest}`
}

let place
function installed() {
  if (place !== undefined) return place
  place = join(folder, 'installed')
  mkdirSync(place)
  const [tarball] = output('npm', ['pack', '--silent', '--pack-destination', folder]).trim().split('\n').slice(-1)
  writeFileSync(join(place, 'package.json'), '{ "private": true, "type": "module" }')
  const options = ['--omit=dev', '--no-audit', '--no-fund', '--silent']
  run('npm', ['install', ...options, '--prefix', place, join(folder, tarball)])
  return place
}

/** `import 'tsrun'` in a program of its own, the median of some. */
async function coldImport() {
  const code = "const begun = performance.now(); await import('tsrun'); console.log(performance.now() - begun)"
  const found = Array.from({ length: 15 }, () => Number(output(process.execPath, ['--input-type=module', '-e', code])))
  return `${median(found).toFixed(1)} ms`
}

/** In a mount namespace of its own, where the unified hierarchy can be hidden from the others. */
function inOwnNamespace(args) {
  const { status } = spawnSync('unshare', ['-m', process.execPath, join(root, 'bench/library.mjs'), ...args], {
    ...{ stdio: 'inherit', cwd: root, env: { ...process.env, BENCH_INSIDE: '1' } },
  })
  rmSync(folder, { recursive: true, force: true })
  if (status !== 0) throw new Failure('the measurement failed')
}

await script(process.env.BENCH_INSIDE === '1' ? main : inOwnNamespace)
