// How long do 100 MB through a terminal in the foreground take, of `run` and of `exec`, beside runc?
// usage (as root): node bench/pty.mjs [TURNS]      needs script(1) and runc
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure, output, root, run, script } from '../scripts/process.mjs'
import { findProgram } from '../scripts/tools.mjs'
import { makeEngineBundle } from './engine-bundle.mjs'

const megabytes = 100
const program = ['dd', 'if=/dev/zero', 'bs=64k', `count=${megabytes * 16}`]

/** Where standard output leads; the caller's terminal is standard input. */
const sinks = { 'to a file': '> /dev/null', 'to a pipe': '| cat > /dev/null' }

function main([turns = '10']) {
  if (process.getuid() !== 0) throw new Failure('running containers takes root')
  for (const name of ['script', 'runc']) if (!findProgram(name)) throw new Failure(`${name} is needed`)
  const folder = mkdtempSync(join(tmpdir(), 'tsrun-pty-'))
  const runtimes = [
    { name: 'tsrun', path: join(root, 'dist/tsrun') },
    { name: 'runc', path: findProgram('runc') },
  ].map((runtime) => ({ ...runtime, id: `bench-${runtime.name}-${process.pid}` }))
  try {
    for (const runtime of runtimes) prepare(folder, runtime)
    console.log(`${cpus().length} × ${cpus()[0].model}, Linux ${output('uname', ['-r']).trim()}`)
    console.log(`${megabytes} MB through a terminal, ${turns} times each, in turn:`)
    for (const command of ['run', 'exec']) {
      for (const [name, sink] of Object.entries(sinks)) compare(runtimes, { command, name, sink }, Number(turns))
    }
  } finally {
    for (const { path, id } of runtimes) spawnSync(path, ['delete', '--force', id])
    rmSync(folder, { recursive: true, force: true })
  }
}

function prepare(folder, runtime) {
  const { name, path, id } = runtime
  const sleeper = makeEngineBundle(join(folder, name), { name: id, args: ['sleep', '100000'] })
  run(path, ['run', '--detach', '--bundle', sleeper, id])
  const bundle = makeEngineBundle(join(folder, `${name}-run`), { name: `${id}-run`, args: program, terminal: true })
  runtime.run = `${path} run --bundle ${bundle} ${id}-run`
  runtime.exec = `${path} exec --tty ${id} ${program.join(' ')}`
}

function compare(runtimes, { command, name, sink }, turns) {
  const results = new Map(runtimes.map((runtime) => [runtime.name, []]))
  for (let turn = 0; turn < turns; turn++) {
    for (const runtime of runtimes) results.get(runtime.name).push(once(`${runtime[command]} ${sink}`))
  }
  console.log(`  ${command} -t ${name}`)
  for (const [name, list] of results) console.log(`    ${name.padEnd(6)}${describe(list)}`)
}

/** Seconds that pass, and of CPU time that the runtime and its children take. */
function once(line) {
  const began = performance.now()
  const args = ['-qec', `sh -c '${line}; times'`, '/dev/null']
  const { status, stdout } = spawnSync('script', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  const seconds = (performance.now() - began) / 1000
  const children = stdout.trim().split('\n').at(-1)
  if (status !== 0 || !/^\d+m[\d.]+s \d+m[\d.]+s/.test(children)) throw new Failure(`${line}: ${stdout}`)
  const cpu = [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, m, s]) => sum + Number(m) * 60 + Number(s), 0)
  return { seconds, cpu }
}

function describe(list) {
  const sorted = list.map(({ seconds }) => seconds).sort((one, other) => one - other)
  const cpu = list.reduce((sum, one) => sum + one.cpu, 0) / list.length
  const median = sorted[Math.floor(sorted.length / 2)]
  const rate = (seconds) => `${(megabytes / seconds).toFixed(0)} MB/s`
  return `best ${rate(sorted[0])}  median ${rate(median)}  CPU time ${cpu.toFixed(2)} s`
}

await script(main)
