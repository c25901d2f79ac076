/** Command mounts: mounts that a container gets and loses while it exists, as it and its later processes see them. */
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Runtime } from 'tsrun'
import { dropNamespace, mapIds, type Change, type TestMount } from '../helpers/config.js'
import type { Container } from '../helpers/container.js'
import { bind, both, makeSource, owners } from '../helpers/id-maps.js'
import { parseMountInfo, type MountInfo } from '../helpers/probe.js'
import type { Result } from '../helpers/runtime.js'
import type { Scope } from '../helpers/scope.js'
import { testWith } from '../helpers/test.js'

const test = testWith('tsrun')

const waits: Change = (config) => {
  config.process.args = ['/probe', 'wait']
}

const waitsMapped: Change = (config) => {
  waits(config)
  mapIds(config, 100_000)
}

/** `mounts add` or `remove`, with the list on standard input. */
const change = (scope: Scope, action: string, { id }: Container, ...mounts: TestMount[]): Result =>
  scope.runtime(['mounts', action, id, '-'], { input: JSON.stringify({ mounts }) })

/** What the container's init has mounted, from outside. */
const mountsOf = (container: Container): MountInfo[] =>
  readFileSync(`/proc/${container.state().pid}/mountinfo`, 'utf8').trim().split('\n').map(parseMountInfo)

const at = (container: Container, point: string): MountInfo | undefined =>
  mountsOf(container).find((mount) => mount.point === point)

const exec = (scope: Scope, { id }: Container, ...command: string[]): Result => scope.runtime(['exec', id, ...command])

const tmpfs: TestMount = { destination: '/tmp/new', type: 'tmpfs', source: 'tmpfs', options: ['size=64k', 'nosuid'] }

test('mounts add shows a directory of the host in a running container, also to what is executed later', (t, scope) => {
  const source = scope.mountTmpfs('source')
  scope.mountTmpfs('source/below')
  writeFileSync(join(source, 'below/file'), 'text')
  const container = scope.container(waits)
  container.run(['--detach'])
  const destination = '/data/here'
  const mount: TestMount = { destination, type: 'bind', source, options: ['rbind', 'rro', 'nodev'] }
  t.match(change(scope, 'add', container, mount, tmpfs), { status: 0, stdout: '', stderr: '' })
  t.match(exec(scope, container, '/bin/cat', '/data/here/below/file'), { status: 0, stdout: 'text' })
  t.equal(exec(scope, container, '/bin/touch', '/data/here/below/new').status, 1, 'recursively read-only')
  t.match(at(container, destination)?.options, ['ro', 'nodev'])
  t.ok(at(container, '/tmp/new')?.superOptions.includes('size=64k'))
  t.match(change(scope, 'remove', container, mount, tmpfs), { status: 0, stdout: '', stderr: '' })
  t.same([at(container, destination), at(container, '/tmp/new')], [undefined, undefined])
  t.equal(readFileSync(join(source, 'below/file'), 'utf8'), 'text', 'the host keeps its own')
})

test('files are bound too, to created and to paused containers, from a path relative to the bundle', (t, scope) => {
  const container = scope.container(waits)
  writeFileSync(join(container.bundle.path, 'file'), 'text')
  const file = (destination: string): TestMount => ({ destination, type: 'bind', source: 'file', options: ['bind'] })
  container.create()
  t.equal(change(scope, 'add', container, file('/created')).status, 0)
  container.start()
  scope.runtime(['pause', container.id])
  t.equal(change(scope, 'add', container, file('/paused')).status, 0)
  scope.runtime(['resume', container.id])
  t.match(exec(scope, container, '/bin/cat', '/created', '/paused'), { status: 0, stdout: 'texttext' })
  container.kill('KILL')
  container.awaitEnd()
  t.match(change(scope, 'add', container, file('/late')), { status: 1, stderr: /container not running/ })
})

test('in a user namespace the mount points, and a new file system, belong to its root', (t, scope) => {
  const source = makeSource(scope)
  const container = scope.container(waitsMapped)
  container.run(['--detach'])
  const { status, stderr } = change(scope, 'add', container, bind(source), { ...tmpfs, destination: '/dev/tmp' })
  t.same({ status, stderr }, { status: 0, stderr: '' })
  t.equal(exec(scope, container, '/bin/touch', '/dev/tmp/file').status, 0)
  t.match(exec(scope, container, '/bin/stat', '-c', '%u:%g', '/dev/tmp/file'), { stdout: '0:0\n' })
  t.equal(exec(scope, container, '/bin/touch', '/dev/data/mine').status, 0)
  t.same(owners(join(source, 'mine')), [100_000, 100_000])
})

test('a mount is id-mapped as at create, by the container’s own ids or by its own', (t, scope) => {
  const source = makeSource(scope)
  const container = scope.container(waitsMapped)
  container.run(['--detach'])
  const own = bind(source, { destination: '/dev/own', options: ['bind', 'idmap'], ...both([5, 100_070, 2]) })
  t.equal(change(scope, 'add', container, bind(source, { options: ['bind', 'idmap'] }), own).status, 0)
  t.match(exec(scope, container, '/bin/stat', '-c', '%u:%g', '/dev/data/other', '/dev/own/other'), {
    stdout: '5:6\n70:71\n',
  })
})

test('all mounts are added or none, all are removed or none', (t, scope) => {
  const container = scope.container(waits)
  container.run(['--detach'])
  const before = mountsOf(container)
  const broken: TestMount = { ...tmpfs, destination: '/tmp/broken', options: ['nonsense'] }
  const failed = change(scope, 'add', container, tmpfs, { ...tmpfs, destination: '/tmp/new/below' }, broken)
  t.match(failed, { status: 1, stderr: /cannot change the mounts: .*nonsense/ })
  t.same(mountsOf(container), before)
  t.equal(change(scope, 'add', container, tmpfs).status, 0)
  t.match(change(scope, 'remove', container, tmpfs, broken), { status: 1, stderr: /"\/tmp\/broken"/ })
  t.ok(at(container, '/tmp/new'))
  t.match(change(scope, 'remove', container, { ...tmpfs, destination: '/bin' }), {
    status: 1,
    stderr: /nothing is mounted there/,
  })
})

test('links of the container lead nowhere out of it', (t, scope) => {
  mkdirSync(scope.path('canary'))
  writeFileSync(scope.path('secret'), 'text')
  const container = scope.container(waits)
  const { rootfs } = container.bundle
  symlinkSync(`../../../../../../../..${scope.path('canary')}`, join(rootfs, 'out'))
  symlinkSync('/proc/1/attr', join(rootfs, 'inside-proc'))
  symlinkSync('/', join(rootfs, 'to-root'))
  container.run(['--detach'])
  const to = (destination: string): TestMount => bind(scope.path('secret'), { destination })
  t.equal(change(scope, 'add', container, to('/out/file')).status, 0)
  t.same(readdirSync(scope.path('canary')), [], 'below the container’s own root')
  t.match(exec(scope, container, '/bin/cat', '/out/file'), { stdout: 'text' })
  t.match(change(scope, 'add', container, { ...tmpfs, destination: '/inside-proc' }), { status: 1, stderr: /procfs/ })
  t.match(change(scope, 'add', container, { ...tmpfs, destination: '/to-root' }), {
    status: 1,
    stderr: /container's root/,
  })
  t.equal(lstatSync(scope.path('canary')).isDirectory(), true)
})

test('what cannot be added is refused by name', (t, scope) => {
  const container = scope.container(waits)
  container.run(['--detach'])
  const refused: readonly (readonly [TestMount, RegExp])[] = [
    [{ destination: '/', type: 'tmpfs' }, /invalid mounts: .*must not be the root/],
    [{ destination: '/proc', type: 'proc', source: 'proc' }, /a proc belongs to namespaces/],
    [{ destination: '/tmp', options: ['remount', 'ro'] }, /a remount could not be taken back/],
    [{ destination: '/x', type: 'bind' }, /invalid mounts: .*source/],
    [{ destination: '/x', type: 'bind', source: '/no/such', options: ['bind'] }, /open_tree "\/no\/such"/],
  ]
  for (const [mount, message] of refused)
    t.match(change(scope, 'add', container, mount), { status: 1, stderr: message })
  t.match(scope.runtime(['mounts', 'add', container.id, '-'], { input: '{}' }), {
    status: 1,
    stderr: /no list "mounts"/,
  })
  t.match(scope.runtime(['mounts', 'swap', container.id, '-'], { input: '{}' }), { status: 1, stderr: /"swap"/ })
  const without = scope.container((config) => {
    waits(config)
    dropNamespace(config, 'mount')
    config.mounts = []
    config.linux = { ...config.linux, maskedPaths: [], readonlyPaths: [] }
    config.root.readonly = false
  })
  without.run(['--detach'])
  t.match(change(scope, 'add', without, tmpfs), { status: 1, stderr: /no mount namespace of its own/ })
})

test('the library adds and removes mounts', async (t, scope) => {
  const container = scope.container(waits)
  container.run(['--detach'])
  const handle = await new Runtime({ root: scope.root }).get(container.id)
  await handle.addMounts([tmpfs])
  t.ok(at(container, '/tmp/new'))
  await handle.removeMounts([{ destination: '/tmp/new' }])
  t.notOk(at(container, '/tmp/new'))
})
