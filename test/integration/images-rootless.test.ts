/** Images of an ordinary user: unpacked and stacked in a user namespace. */
import { chownSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { busyboxLayer, writeLayout } from '../helpers/image.js'
import type { Result } from '../helpers/runtime.js'
import type { Scope } from '../helpers/scope.js'
import { tar, type TarEntry } from '../helpers/tar.js'
import { testWith } from '../helpers/test.js'
import { User } from '../helpers/user.js'

const test = testWith('tsrun', 'static', 'overlay', 'user-namespaces', 'newuidmap')
const ids = { subuid: ['700000:65536'], subgid: ['700000:65536'] }

/** The user's own folder of images. */
function storeOf(scope: Scope, user: User): string {
  mkdirSync(scope.path('images'))
  chownSync(scope.path('images'), user.id, user.id)
  return scope.path('images')
}

const upper = (entries: readonly TarEntry[]): Buffer => gzipSync(tar(entries))

test('a user imports an image, runs it, and nothing of the container is left', (t, scope) => {
  const user = new User(scope, ids)
  const store = storeOf(scope, user)
  const layers = [
    busyboxLayer(),
    upper([
      { name: 'home/', type: '5', uid: 1000, gid: 1000 },
      { name: 'home/file', content: 'x', uid: 1000, gid: 44 },
    ]),
    upper([{ name: 'etc/.wh.group' }]),
  ]
  writeLayout(scope.path('layout'), { layers })
  const imported = user.runtime(['image', 'import', '--image-root', store, '--name', 'test', scope.path('layout')])
  t.same([imported.status, imported.stderr], [0, ''])
  const run = (...args: string[]): Result => user.runtime(['run', '--image-root', store, '--image', 'test', ...args])
  const script = 'id -u; stat -c %u:%g /home/file; ls /etc; cat /etc/os-release; echo x > /etc/os-release; touch /new'
  const { status, stdout, stderr } = run('sh', '-c', script)
  t.same([status, stderr], [0, ''])
  t.equal(stdout, '0\n1000:44\nos-release\npasswd\nNAME=test\n')
  t.equal(
    run('-u', 'app', 'sh', '-c', 'id -u; cat /etc/os-release; ls -d /new 2>/dev/null').stdout,
    '1000\nNAME=test\n',
  )
  t.same(readdirSync(`${store}/run`), [])
  t.match(user.runtime(['image', 'remove', '--image-root', store, 'test']).stdout, 'docker.io/library/test:latest')
  t.match(user.runtime(['image', 'gc', '--image-root', store]).stdout, 'removed 5 blobs, 3 layers')
})

test('a detached container of a user is entered, and its bundle goes with it', (t, scope) => {
  const user = new User(scope, ids)
  const store = storeOf(scope, user)
  writeLayout(scope.path('layout'), { layers: [busyboxLayer()], config: { User: 'app' } })
  t.equal(user.runtime(['image', 'import', '--image-root', store, '--name', 'test', scope.path('layout')]).stderr, '')
  const id = scope.newId()
  const detached = ['run', '--image-root', store, '--image', 'test', '--detach', '--name', id]
  const { status, stderr } = user.runtime([...detached, 'sh', '-c', 'echo x > /tmp/new; sleep 100'])
  t.same([status, stderr], [0, ''])
  const script = 'id -u; stat -c %u:%g /tmp/new; cat /etc/os-release; touch /tmp/exec; stat -c %u:%g /tmp/exec'
  t.match(user.runtime(['exec', id, 'sh', '-c', script]), {
    status: 0,
    stderr: '',
    stdout: '1000\n1000:1000\nNAME=test\n1000:1000\n',
  })
  t.match(user.runtime(['exec', '-u', '5:6', id, 'id', '-u']), { stdout: '5\n', stderr: '' })
  t.match(user.runtime(['exec', '-u', '0', id, 'sh', '-c', 'echo y > /new; id -u']), { stdout: '0\n', stderr: '' })
  t.equal(readdirSync(`${store}/run`).length, 1)
  t.match(user.runtime(['state', id]).stdout, '"running"')
  t.match(user.runtime(['delete', '--force', id]), { status: 0, stderr: '' })
  t.same(readdirSync(`${store}/run`), [])
  t.same(readdirSync(`${store}/bundles`), [])
})

test('the kernel maps ids of a file system for its owner alone, so layers of a user have shifted owners', (t, scope) => {
  const user = new User(scope, ids)
  const store = storeOf(scope, user)
  const owned = upper([{ name: 'owned', content: 'x', uid: 1000, gid: 44 }])
  writeLayout(scope.path('layout'), { layers: [busyboxLayer(), owned] })
  t.equal(user.runtime(['image', 'import', '--image-root', store, '--name', 'test', scope.path('layout')]).stderr, '')
  const files = readdirSync(`${store}/layers/sha256`).map((name) => `${store}/layers/sha256/${name}/fs/owned`)
  const { uid, gid } = statSync(files.find((path) => existsSync(path)) ?? '')
  t.same([uid, gid], [700_000 + 1000 - 1, 700_000 + 44 - 1])
  const mapped = ['-v', `${store}/layers:/mnt:ro,idmap=uids=0-1-60000;gids=0-1-60000`]
  const { status, stderr } = user.runtime(['run', '--image-root', store, '--image', 'test', ...mapped, 'true'])
  t.equal(status, 1)
  t.match(stderr, /mount_setattr[^]*operation not permitted/)
  t.same(readdirSync(`${store}/run`), [])
})

test('a device in a layer is refused to who is not root, with its name', (t, scope) => {
  const user = new User(scope, ids)
  const store = storeOf(scope, user)
  writeLayout(scope.path('layout'), { layers: [upper([{ name: 'dev/kmsg', type: '3', device: [1, 11] }])] })
  const { status, stderr } = user.runtime(['image', 'import', '--image-root', store, scope.path('layout')])
  t.equal(status, 1)
  t.match(stderr, 'entry "dev/kmsg": it is a device, which only root can make')
  t.same(readdirSync(`${store}/layers/sha256`), [])
})

test('a user without subordinate ids is told what is missing', (t, scope) => {
  const user = new User(scope)
  const store = storeOf(scope, user)
  writeLayout(scope.path('layout'), { layers: [] })
  const { stderr } = user.runtime(['image', 'import', '--image-root', store, scope.path('layout')])
  t.match(stderr, '/etc/subuid has no line for tsrun-test-user or 54321')
})
