// How long does `exec` of a program take beside runc, what does it cost, and what of it is the container charged for?
// usage (as root): node bench/exec.mjs [RUNS]      needs hyperfine, strace and runc
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure, output, root, run, script } from '../scripts/process.mjs'
import { findProgram } from '../scripts/tools.mjs'
import { makeEngineBundle } from './engine-bundle.mjs'

/** The runtimes take turns, so that other work on the machine meets both. */
const turns = 10

function main([runs = '200']) {
  if (process.getuid() !== 0) throw new Failure('running containers takes root')
  for (const name of ['hyperfine', 'strace', 'runc']) if (!findProgram(name)) throw new Failure(`${name} is needed`)
  const folder = mkdtempSync(join(tmpdir(), 'tsrun-exec-'))
  const runtimes = [
    { name: 'tsrun', program: join(root, 'dist/tsrun') },
    { name: 'runc', program: findProgram('runc') },
  ].map((runtime) => ({ ...runtime, id: `bench-${runtime.name}-${process.pid}`, times: [], cpu: [] }))
  try {
    for (const runtime of runtimes) startContainer(folder, runtime)
    for (let turn = 0; turn < turns; turn++) {
      for (const runtime of runtimes) measure(folder, runtime, Math.ceil(Number(runs) / turns))
    }
    console.log(`${cpus().length} × ${cpus()[0].model}, Linux ${output('uname', ['-r']).trim()}`)
    console.log(`exec of /bin/true in a container with Docker's profile, ${runs} times each, in turns of ${turns}:`)
    for (const runtime of runtimes) console.log(`  ${runtime.name.padEnd(6)}${describe(folder, runtime)}`)
  } finally {
    for (const { program, id } of runtimes) spawnSync(program, ['delete', '--force', id])
    rmSync(folder, { recursive: true, force: true })
  }
}

function startContainer(folder, { name, program, id }) {
  const bundle = makeEngineBundle(join(folder, name), { name: id, args: ['sleep', '100000'] })
  run(program, ['run', '--detach', '--bundle', bundle, id])
}

const command = ({ program, id }) => [program, 'exec', id, '/bin/true']

function measure(folder, runtime, runs) {
  const file = join(folder, 'times.json')
  const options = ['-N', '--warmup', '2', '--runs', String(runs), '--export-json', file, '--style', 'none']
  const { status, stderr } = spawnSync('hyperfine', [...options, command(runtime).join(' ')], { encoding: 'utf8' })
  if (status !== 0) throw new Failure(`hyperfine: ${stderr}`)
  const [result] = JSON.parse(readFileSync(file, 'utf8')).results
  runtime.times.push(...result.times)
  runtime.cpu.push(result.user + result.system)
}

function describe(folder, runtime) {
  const sorted = runtime.times.map((seconds) => seconds * 1000).sort((one, other) => one - other)
  const cpu = (runtime.cpu.reduce((sum, seconds) => sum + seconds, 0) / runtime.cpu.length) * 1000
  return [
    `min ${sorted[0].toFixed(1)} ms`,
    `median ${sorted[Math.floor(sorted.length / 2)].toFixed(1)} ms`,
    `CPU time ${cpu.toFixed(1)} ms`,
    `${syscalls(folder, runtime)} system calls`,
    `charged to the container: ${charged(runtime)}`,
  ].join('  ')
}

/** Of the runtime and all that it starts. */
function syscalls(folder, runtime) {
  const file = join(folder, 'syscalls')
  run('strace', ['-f', '-c', '-o', file, ...command(runtime)])
  // % time, seconds, usecs/call, calls, errors, "total"
  return readFileSync(file, 'utf8').trim().split('\n').at(-1).trim().split(/\s+/)[3]
}

/**
 * How far memory use rises above that of the container at rest, the median of several times. The program's own is
 * in it; the kernel charges in batches of 64 pages per CPU, so it may fit into what is already paid for.
 */
function charged({ program, id }) {
  const files = [
    [`/sys/fs/cgroup/memory/bench-${id}`, 'memory.usage_in_bytes', 'memory.max_usage_in_bytes'],
    [`/sys/fs/cgroup/bench-${id}`, 'memory.current', 'memory.peak'],
  ].find(([directory]) => existsSync(directory))
  if (!files) return 'no memory cgroup'
  const [directory, current, peak] = files
  const read = (file) => Number(readFileSync(file, 'utf8'))
  const rises = Array.from({ length: 10 }, () => {
    const before = read(join(directory, current))
    // A new maximum; on cgroup v2 for who asks through the same descriptor, since Linux 6.12.
    const fd = openSync(join(directory, peak), 'r+')
    try {
      writeSync(fd, '0')
      run(program, ['exec', id, '/bin/true'])
      const text = Buffer.alloc(32)
      return Number(text.toString('latin1', 0, readSync(fd, text, 0, 32, 0))) - before
    } finally {
      closeSync(fd)
    }
  })
  return `${rises.sort((one, other) => one - other)[5] / 1024} KiB (most: ${rises.at(-1) / 1024} KiB)`
}

await script(main)
