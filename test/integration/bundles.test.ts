/** Every bundle of bundles/ is an example and a test: it is made and run as its README says. */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const executable = join(root, 'dist/tsrun')
const runtime =
  process.env.RUNTIME ?? (existsSync(executable) ? executable : `${process.execPath} ${root}dist/cli/main.js`)
const needsRoot = process.getuid?.() === 0 ? false : 'needs root'
const needsScript = spawnSync('script', ['--version']).error ? 'needs script (util-linux)' : needsRoot

// A copy outside the project: its rootfs is made anew, and other tests may use the folders meanwhile.
const folder = mkdtempSync(join(tmpdir(), 'tsrun-bundles-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
mkdirSync(join(folder, 'bundles'))
symlinkSync(join(root, 'build'), join(folder, 'build'))

function makeBundle(name: string): string {
  const bundle = join(folder, 'bundles', name)
  const notRootfs = (path: string) => path !== join(root, 'bundles', name, 'rootfs')
  cpSync(join(root, 'bundles', name), bundle, { recursive: true, filter: notRootfs })
  cpSync(join(root, 'bundles/busybox-rootfs.sh'), join(folder, 'bundles/busybox-rootfs.sh'))
  const made = spawnSync(join(bundle, 'make-rootfs.sh'), { encoding: 'utf8' })
  if (made.status !== 0) throw new Error(`make-rootfs.sh of ${name}: ${made.stderr}`)
  return bundle
}

function runBundle(bundle: string, options: { input?: string; terminal?: boolean } = {}) {
  const command = `${runtime} run --bundle '${bundle}' bundle-test-${process.pid}`
  const [program, args] = options.terminal
    ? ['script', ['-qec', command, '/dev/null']]
    : ['sh', ['-c', `exec ${command}`]]
  return spawnSync(program, args, { encoding: 'utf8', input: options.input ?? '' })
}

t.test('hello reports the container that its config asks for', { skip: needsRoot }, (t) => {
  const { status, stdout, stderr } = runBundle(makeBundle('hello'))
  t.equal(stderr, '')
  t.equal(status, 0)
  t.match(stdout, /process +pid 1, uid 0, gid 0; sees no other process/)
  t.match(stdout, /hostname +hello\n/)
  t.match(stdout, /rootfs +read-only; holds/)
  t.match(stdout, /capabilities +3 of 41: kill net_bind_service audit_write\n/)
  t.match(stdout, /no_new_privs +yes\n/)
  t.match(stdout, /seccomp +mode 2 \(filter\)\n/)
  t.end()
})

t.test('seccomp refuses each call in its own way', { skip: needsRoot }, (t) => {
  const { status, stdout, stderr } = runBundle(makeBundle('seccomp'))
  t.equal(status, 0)
  t.match(stderr, /mkdir: .*Operation not permitted/)
  t.match(stderr, /hostname: .*Function not implemented/)
  t.match(stderr, /kill .*Permission denied/)
  t.match(stdout, /chroot ended with status 159\n/)
  t.end()
})

t.test('hooks run in their order', { skip: needsRoot }, (t) => {
  const bundle = makeBundle('hooks')
  const { status, stderr } = runBundle(bundle)
  t.equal(stderr, '')
  t.equal(status, 0)
  const order = readFileSync(join(bundle, 'rootfs/hooks.log'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(':')[0])
  t.same([order[0], order[1], order.at(-1)], ['createRuntime', 'createContainer', 'poststop'])
  t.ok(order.indexOf('startContainer') < order.indexOf('program'), 'startContainer is before the program')
  t.ok(order.includes('poststart'), 'poststart ran')
  t.equal(order.length, 6)
  t.end()
})

t.test('rootless is run by the user with uid 1000', { skip: needsRoot }, (t) => {
  const bundle = makeBundle('rootless')
  const user = ['setpriv', '--reuid', '1000', '--regid', '1000', '--clear-groups']
  // The project may be where only root has access.
  cpSync(join(root, 'dist/tsrun'), join(folder, 'tsrun'))
  chmodSync(folder, 0o755)
  mkdirSync(join(folder, 'state'))
  for (const path of ['state', 'bundles/rootless/rootfs']) chownSync(join(folder, path), 1000, 1000)
  const command = [join(folder, 'tsrun'), '--root', join(folder, 'state'), 'run', '--bundle', bundle, 'rootless']
  const { status, stdout, stderr } = spawnSync('env', [...user, ...command], { encoding: 'utf8' })
  t.equal(stderr, '')
  t.equal(status, 0)
  t.match(stdout, /^uid=0\(root\) gid=0\(root\)[^\n]*\n\n +0 +1000 +1\n/)
  t.end()
})

t.test('interactive has a terminal and returns the status of its shell', { skip: needsScript }, (t) => {
  const { status, stdout } = runBundle(makeBundle('interactive'), { terminal: true, input: 'tty; exit 7\n' })
  t.match(stdout, /\/dev\/(pts\/0|console)/)
  t.equal(status, 7)
  t.end()
})
