// Do containers leave cgroups behind, and does the thousandth take longer than the first?
// usage (as root): node bench/many.mjs [COUNT]
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure, output, root, run, script } from '../scripts/process.mjs'
import { findProgram } from '../scripts/tools.mjs'

const sample = 100

function main([count = '1000']) {
  if (process.getuid() !== 0) throw new Failure('running containers takes root')
  const folder = mkdtempSync(join(tmpdir(), 'tsrun-many-'))
  try {
    makeBundle(folder)
    const before = cgroups()
    const times = []
    for (let i = 0; i < Number(count); i++) times.push(oneContainer(folder, `many-${process.pid}-${i}`))
    const left = cgroups().filter((path) => path.includes(`many-${process.pid}-`))
    console.log(`${count} containers created, started and deleted`)
    console.log(`cgroups: ${before.length} before, ${cgroups().length} after, ${left.length} of them ours`)
    console.log(
      `first ${sample}: ${mean(times.slice(0, sample))} ms each, last ${sample}: ${mean(times.slice(-sample))} ms`,
    )
    if (left.length > 0) throw new Failure(`left behind: ${left.slice(0, 5).join(' ')}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const cgroups = () => output('find', ['/sys/fs/cgroup', '-type', 'd']).trim().split('\n')

const mean = (times) => (times.reduce((sum, time) => sum + time, 0) / times.length).toFixed(1)

function makeBundle(folder) {
  mkdirSync(join(folder, 'rootfs/bin'), { recursive: true })
  mkdirSync(join(folder, 'rootfs/proc'))
  writeFileSync(join(folder, 'true.c'), 'int main(void) { return 0; }\n')
  run(findProgram('musl-gcc') ?? 'cc', [
    '-static',
    '-Os',
    '-s',
    join(folder, 'true.c'),
    '-o',
    join(folder, 'rootfs/bin/true'),
  ])
  const config = {
    ociVersion: '1.0.2',
    root: { path: 'rootfs' },
    process: { user: { uid: 0, gid: 0 }, args: ['/bin/true'], cwd: '/', env: [] },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
    linux: {
      namespaces: ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
      resources: { memory: { limit: 1024 * 1024 }, pids: { limit: 10 }, cpu: { shares: 512 } },
    },
  }
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
}

/** Milliseconds for the three commands. */
function oneContainer(folder, id) {
  const began = performance.now()
  tsrun('create', '--bundle', folder, id)
  tsrun('start', id)
  // Its program ends at once, or is ended.
  tsrun('delete', '--force', id)
  return performance.now() - began
}

/** stderr is ours: a pipe would stay open as long as the created container. */
function tsrun(...args) {
  const { status } = spawnSync(join(root, 'dist/tsrun'), args, { stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) throw new Failure(`tsrun ${args.join(' ')} failed`)
}

await script(main)
