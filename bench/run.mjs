// How long does a container take, from the start of the runtime to the end of its program, beside runc and crun?
// usage (as root): node bench/run.mjs [RUNS]      needs hyperfine; runtimes that are not installed are left out
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure, output, root, run, script } from '../scripts/process.mjs'
import { findProgram, staticBusybox } from '../scripts/tools.mjs'

const at = (path) => join(root, path)

/** crun before 1.9 takes a hybrid host for a pure v1 one only when the unified hierarchy is out of sight. */
const withoutUnified = (command) =>
  existsSync('/sys/fs/cgroup/unified')
    ? ['unshare', '-m', 'sh', '-c', `umount /sys/fs/cgroup/unified; exec ${command}`]
    : ['sh', '-c', `exec ${command}`]

function main([runs = '200']) {
  if (process.getuid() !== 0) throw new Failure('running containers takes root')
  const folder = mkdtempSync(join(tmpdir(), 'tsrun-bench-'))
  try {
    const bundle = makeBundle(folder)
    describeMachine()
    floor(folder, bundle)
    compare(bundle, runs)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A bundle as engines write it; its program is `true` of a static busybox. */
function makeBundle(folder) {
  const bundle = join(folder, 'bundle')
  mkdirSync(join(bundle, 'rootfs/bin'), { recursive: true })
  for (const name of ['proc', 'dev', 'sys']) mkdirSync(join(bundle, 'rootfs', name))
  const busybox = staticBusybox()
  if (!busybox) throw new Failure('a static busybox is needed')
  cpSync(busybox, join(bundle, 'rootfs/bin/true'))
  const config = JSON.parse(readFileSync(at('bundles/hello/config.json'), 'utf8'))
  // The newest version that crun 1.8 knows.
  config.ociVersion = '1.0.2'
  config.process.args = ['/bin/true']
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config))
  return bundle
}

function describeMachine() {
  console.log(
    `${cpus().length} × ${cpus()[0].model}, Linux ${output('uname', ['-r']).trim()}, ${new Date().toISOString()}`,
  )
}

/** What no runtime can beat here: the same kernel work by a C program. */
function floor(folder, bundle) {
  const program = join(folder, 'floor')
  run('cc', ['-O2', at('bench/floor.c'), '-o', program])
  for (const flags of ['x', 'pmuic', 'pmuicn']) run(program, [join(bundle, 'rootfs'), '300', flags])
}

function compare(bundle, runs) {
  if (!findProgram('hyperfine')) throw new Failure('hyperfine is needed (a package of every distribution)')
  const commands = [
    ['tsrun', at('dist/tsrun')],
    ['runc', findProgram('runc')],
    ['crun', findProgram('crun')],
  ]
  // All in one mount namespace, so that every runtime meets the same host.
  const present = commands.filter(([, path]) => path && existsSync(path))
  const args = ['-N', '--warmup', '20', '--runs', runs]
  for (const [name, path] of present) {
    args.push('-n', name, `${path} run --bundle ${bundle} bench-${name}-${process.pid}`)
  }
  const line = ['hyperfine', ...args].map((arg) => `'${arg}'`).join(' ')
  const [program, ...rest] = withoutUnified(line)
  const result = spawnSync(program, rest, { stdio: ['ignore', 'inherit', 'inherit'] })
  if (result.status !== 0) throw new Failure('hyperfine failed: run the command that it names by hand')
}

await script(main)
