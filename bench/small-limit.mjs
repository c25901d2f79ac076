// What is the smallest memory limit within which a runtime starts the same bundle, a static /bin/true?
// usage (as root): node bench/small-limit.mjs      runtimes that are not installed are left out
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure, output, root, run, script } from '../scripts/process.mjs'
import { findProgram } from '../scripts/tools.mjs'

/** The kernel counts memory in pages, so finer steps tell nothing. */
const page = 4096
const most = 64 * 1024 * 1024
/** How often a runtime must succeed: what is charged varies from start to start. */
const tries = 5

function main() {
  if (process.getuid() !== 0) throw new Failure('running containers takes root')
  const folder = mkdtempSync(join(tmpdir(), 'tsrun-small-'))
  try {
    const rootfs = join(folder, 'rootfs')
    mkdirSync(join(rootfs, 'bin'), { recursive: true })
    mkdirSync(join(rootfs, 'proc'))
    writeFileSync(join(folder, 'true.c'), 'int main(void) { return 0; }\n')
    const compiler = findProgram('musl-gcc') ?? 'cc'
    run(compiler, ['-static', '-Os', '-s', join(folder, 'true.c'), '-o', join(rootfs, 'bin/true')])
    console.log(`Linux ${output('uname', ['-r']).trim()}, static /bin/true, ${tries} starts within each limit`)
    for (const [name, program] of [
      ['tsrun', join(root, 'dist/tsrun')],
      ['crun', findProgram('crun')],
      ['runc', findProgram('runc')],
    ]) {
      if (program && existsSync(program)) console.log(`${name.padEnd(6)} ${smallest(folder, name, program)}`)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Doubles until it works, then halves the interval down to a page. */
function smallest(folder, name, program) {
  let low = 0
  let high = 16 * page
  while (!starts(folder, name, program, high)) {
    if (high >= most) return `does not start within ${most / 1024 / 1024} MiB: ${lastError}`
    low = high
    high *= 2
  }
  while (high - low > page) {
    const middle = low + Math.floor((high - low) / 2 / page) * page
    if (starts(folder, name, program, middle)) high = middle
    else low = middle
  }
  return `${high / 1024} KiB`
}

let lastError = ''

function starts(folder, name, program, limit) {
  writeFileSync(join(folder, 'config.json'), JSON.stringify(configWith(limit)))
  for (let i = 0; i < tries; i++) {
    const id = `small-${name}-${process.pid}`
    const { status, stderr } = spawnSync(program, ['run', '--bundle', folder, id], { encoding: 'utf8' })
    if (status === 0) continue
    lastError = stderr.trim()
    spawnSync(program, ['delete', '--force', id])
    return false
  }
  return true
}

function configWith(limit) {
  return {
    ociVersion: '1.0.2',
    root: { path: 'rootfs' },
    process: { user: { uid: 0, gid: 0 }, args: ['/bin/true'], cwd: '/', env: [] },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
    linux: {
      namespaces: ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
      resources: { memory: { limit } },
    },
  }
}

await script(main)
