/** Images: imported, listed, exported, collected; their bundles, and `run --image`. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { hasAttribute } from '#dist/native/binding.js'
import { busyboxLayer, savedArchive, writeLayout, zstd, type ImageParts } from '../helpers/image.js'
import type { Result } from '../helpers/runtime.js'
import type { Scope } from '../helpers/scope.js'
import { tar } from '../helpers/tar.js'
import { testWith } from '../helpers/test.js'

const test = testWith('tsrun', 'overlay')

/** `image` with an action on the test's own store. */
function image(scope: Scope, action: string, args: readonly string[] = [], options: { input?: string } = {}): Result {
  return scope.runtime(['image', action, '--image-root', scope.path('store'), ...args], options)
}

/** Imports an image as `test`. @throws when that fails */
function importImage(scope: Scope, parts: Partial<ImageParts> & { layers: readonly Buffer[] }): string {
  const digest = writeLayout(scope.path(`layout-${scope.newId()}`), parts)
  const folder = readdirSync(scope.folder).findLast((name) => name.startsWith('layout-')) ?? ''
  const { status, stderr } = image(scope, 'import', ['--name', 'test', scope.path(folder)])
  if (status !== 0) throw new Error(stderr)
  return digest
}

/** Runs a shell script in a container of the image `test`. */
const sh = (scope: Scope, script: string, flags: readonly string[] = []): Result =>
  scope.runtime(['run', '--image-root', scope.path('store'), '--image', 'test', ...flags, 'sh', '-c', script])

test('an image is the same from a layout, from an archive of it, and from what docker save writes', (t, scope) => {
  const parts = { layers: [busyboxLayer(), gzipSync(tar([{ name: 'new', content: 'x' }]))], name: 'example.org/a/b:1' }
  const digest = writeLayout(scope.path('layout'), parts)
  const listed = `${digest} example.org/a/b:1\n`
  t.same(image(scope, 'import', [scope.path('layout')]).stdout, listed)
  const store = (): string[] => readdirSync(scope.path('store/layers/sha256')).sort()
  const layers = store()
  t.equal(layers.length, 2)
  t.equal(image(scope, 'export', ['--output', scope.path('archive'), 'example.org/a/b:1']).status, 0)
  t.same(image(scope, 'import', [scope.path('archive')]).stdout, listed)
  writeFileSync(scope.path('saved'), savedArchive({ ...parts, layers: [...parts.layers, parts.layers[1] as Buffer] }))
  const saved = scope.runtime(['image', 'import', '--image-root', scope.path('store'), scope.path('saved')])
  t.match(saved.stdout, /^sha256:[0-9a-f]{64} example\.org\/a\/b:1\n$/)
  t.same(
    store().filter((one) => layers.includes(one)),
    layers,
    'each layer once',
  )
  const piped = scope.runner.runInShell(`cat ${scope.path('archive')} | "$@"`, [
    'image',
    'import',
    '--image-root',
    scope.path('other'),
    '-',
  ])
  t.same(piped.stdout, listed)
})

test('layers may be plain, gzip in several members, or zstd, and empty', (t, scope) => {
  const [one, two] = [tar([{ name: 'one', content: '1' }]), tar([{ name: 'two', content: '2' }])]
  const members = Buffer.concat([gzipSync(one.subarray(0, 512)), gzipSync(one.subarray(512))])
  importImage(scope, { layers: [busyboxLayer(), members, zstd(two), tar([]), tar([{ name: 'three', content: '3' }])] })
  t.equal(sh(scope, 'cat one two three').stdout, '123')
})

test('whiteouts hide what is below, and nothing of their own layer', (t, scope) => {
  const below = tar([
    ...['a', 'b', 'c', 'o', 'o/old'].map((name) => ({ name: `${name}/`, type: '5' })),
    { name: 'a/file', content: '1' },
    { name: 'b/file', content: '1' },
    { name: 'c/file', content: '1' },
    { name: 'o/file', content: '1' },
    { name: 'o/old/file', content: '1' },
  ])
  const above = tar([
    { name: '.wh.a' },
    { name: 'b/.wh.file' },
    { name: 'c/file', content: '2' },
    { name: 'c/.wh.file' },
    { name: 'o/new', content: '2' },
    { name: 'o/.wh..wh..opq' },
    { name: '.wh..wh.plnk' },
    { name: '.wh.nothing' },
  ])
  importImage(scope, { layers: [busyboxLayer(), below, above] })
  const { stdout } = sh(scope, 'ls -d a b/file c/file o/file o/old o/new .wh* 2>/dev/null; cat c/file')
  t.same(stdout.split('\n'), ['c/file', 'o/new', '2'])
})

test('an entry has its mode, owner, times, attributes, capabilities and holes', (t, scope) => {
  const capability = Buffer.from('010000020020000000000000000000000000000000', 'hex').subarray(0, 20)
  const layer = tar([
    { name: 'd/', type: '5', mode: 0o2750, uid: 7, gid: 8 },
    {
      name: 'd/file',
      mode: 0o4755,
      uid: 1000,
      gid: 44,
      content: 'x',
      pax: { 'SCHILY.xattr.user.note': 'yes', mtime: '1500000000.25' },
    },
    { name: 'd/hard', type: '1', link: 'd/file' },
    { name: 'd/grün', content: '' },
    { name: 'd/capable', mode: 0o755, pax: { 'SCHILY.xattr.security.capability': capability.toString('latin1') } },
    { name: 'd/null', type: '3', mode: 0o666, device: [1, 3] },
    { name: 'd/pipe', type: '6' },
    { name: 'd/link', type: '2', link: '/somewhere', uid: 9 },
    {
      name: 'd/sparse',
      content: `${'1\n1048576\n1\n'.padEnd(512, '\0')}e`,
      pax: {
        'GNU.sparse.major': '1',
        'GNU.sparse.minor': '0',
        'GNU.sparse.name': 'd/sparse',
        'GNU.sparse.realsize': '1048577',
      },
    },
  ])
  importImage(scope, { layers: [layer] })
  const [name = ''] = readdirSync(scope.path('store/layers/sha256'))
  const at = (path: string): string => scope.path(`store/layers/sha256/${name}/fs/${path}`)
  const told = (path: string): string =>
    scope.runner.runProgram('stat', ['-c', '%a %u:%g %h %F', at(path)]).stdout.trim()
  t.equal(told('d'), '2750 7:8 2 directory')
  t.equal(told('d/file'), '4755 1000:44 2 regular file')
  t.equal(told('d/null'), '666 0:0 1 character special file')
  t.equal(told('d/pipe'), '644 0:0 1 fifo')
  t.equal(told('d/link').replace(/^\d+ /, ''), '9:0 1 symbolic link')
  t.equal(statSync(at('d/file')).mtimeMs, 1_500_000_000_250)
  t.equal(statSync(at('d')).mtimeMs, 1_600_000_000_000)
  t.ok(existsSync(at('d/grün')))
  t.equal(statSync(at('d/sparse')).size, 1_048_577)
  t.ok(statSync(at('d/sparse')).blocks < 100)
  t.ok(hasAttribute(at('d/file'), 'user.note'))
  t.ok(hasAttribute(at('d/capable'), 'security.capability'))
})

test('a directory that is there again has the attributes of its new entry alone', (t, scope) => {
  const note = (name: string): Record<string, string> => ({ [`SCHILY.xattr.user.${name}`]: 'x' })
  const below = tar([
    { name: 'd/', type: '5', pax: { ...note('old'), ...note('both') } },
    { name: 'd/f', content: '1' },
  ])
  const above = tar([{ name: 'd/', type: '5', mode: 0o700, pax: { ...note('new'), ...note('both') } }])
  importImage(scope, { layers: [busyboxLayer(), below, above] })
  scope.runtime(['bundle', 'create', '--image-root', scope.path('store'), 'test', scope.path('bundle'), 'sh'])
  const has = (name: string): boolean => hasAttribute(scope.path('bundle/rootfs/d'), `user.${name}`)
  t.same(['old', 'both', 'new'].map(has), [false, true, true])
  t.equal(statSync(scope.path('bundle/rootfs/d')).mode & 0o7777, 0o700)
  t.equal(readFileSync(scope.path('bundle/rootfs/d/f'), 'utf8'), '1')
  scope.runtime(['bundle', 'delete', scope.path('bundle')])
})

test('a layer links to a file of another, and goes through a link of it', (t, scope) => {
  const below = tar([
    { name: 'usr/lib/', type: '5' },
    { name: 'lib', type: '2', link: 'usr/lib' },
    { name: 'usr/lib/a', content: 'a' },
  ])
  const above = tar([
    { name: 'b', type: '1', link: 'usr/lib/a' },
    { name: 'lib/c', content: 'c' },
  ])
  importImage(scope, { layers: [busyboxLayer(), below, above] })
  t.equal(sh(scope, 'cat b usr/lib/c; readlink lib').stdout, 'acusr/lib\n')
})

test('a container of an image is as its config says, and as the flags say over it', (t, scope) => {
  const config = {
    ...{ User: 'app', WorkingDir: '/srv/here', Env: ['A=1', 'B=2'], Entrypoint: ['sh', '-c'], Cmd: ['id; pwd; env'] },
    ...{ Labels: { own: 'label' }, ExposedPorts: { '80/tcp': {} }, StopSignal: 'SIGINT', Volumes: { '/data': {} } },
  }
  importImage(scope, { layers: [busyboxLayer()], config })
  const run = (...args: string[]): Result =>
    scope.runtime(['run', '--image-root', scope.path('store'), '--image', 'test', ...args])
  const { stdout } = run()
  t.match(stdout, 'uid=1000(app) gid=1000(app) groups=44(video)')
  for (const line of ['/srv/here', 'A=1', 'B=2', 'HOME=/home/app']) t.ok(stdout.split('\n').includes(line), line)
  const other = run('-e', 'A=3', '-e', 'C=4', '-u', '5:video', '-w', '/', '--hostname', 'box', 'id; pwd; env; hostname')
  t.match(other.stdout, 'uid=5 gid=44(video)\n/\n')
  for (const line of ['A=3', 'B=2', 'C=4', 'box']) t.ok(other.stdout.split('\n').includes(line), line)
  writeFileSync(scope.path('shared'), 'of the host')
  const flags = [
    '--entrypoint',
    'sh',
    '-v',
    `${scope.path('shared')}:/mnt/file:ro`,
    '--read-only',
    '-u',
    '0',
    '--',
    '-c',
  ]
  const read = run(...flags, 'cat /mnt/file; touch /new; touch /data/new && echo written; echo x > /mnt/file')
  t.match(read.stdout, 'of the hostwritten')
  t.match(read.stderr, /new: Read-only file system[^]*mnt\/file: Read-only file system/)
  const made = scope.runtime(['bundle', 'create', '--image-root', scope.path('store'), 'test', scope.path('bundle')])
  t.equal(made.status, 0)
  const { annotations } = JSON.parse(readFileSync(scope.path('bundle/config.json'), 'utf8')) as { annotations: object }
  t.match(annotations, {
    ...{ own: 'label', 'org.opencontainers.image.stopSignal': 'SIGINT', 'org.opencontainers.image.os': 'linux' },
    'org.opencontainers.image.exposedPorts': '80/tcp',
  })
  t.equal(scope.runtime(['bundle', 'delete', scope.path('bundle')]).status, 0)
  t.notOk(existsSync(scope.path('bundle')))
})

test('limits of an image are those of the flags', (t, scope) => {
  importImage(scope, { layers: [busyboxLayer()] })
  const made = scope.runtime([
    ...['bundle', 'create', '--image-root', scope.path('store'), '-m', '64m', '--cpus', '0.5', '--pids-limit', '9'],
    ...['--cap-drop', 'ALL', '--cap-add', 'net_admin', 'test', scope.path('bundle'), 'sh'],
  ])
  t.equal(made.stderr, '')
  const config = JSON.parse(readFileSync(scope.path('bundle/config.json'), 'utf8')) as {
    linux: { resources: object }
    process: { capabilities: { bounding: string[] } }
  }
  t.match(config.linux.resources, {
    memory: { limit: 67_108_864, swap: 67_108_864 },
    cpu: { quota: 50_000 },
    pids: { limit: 9 },
  })
  t.same(config.process.capabilities.bounding, ['CAP_NET_ADMIN'])
  scope.runtime(['bundle', 'delete', scope.path('bundle')])
})

test('what a container writes is in no other container, and gone with it', (t, scope) => {
  importImage(scope, { layers: [busyboxLayer()] })
  t.equal(
    sh(scope, 'echo changed > /etc/os-release; touch /etc/new; rm /etc/group; ls /etc').stdout,
    'new\nos-release\npasswd\n',
  )
  t.equal(sh(scope, 'ls /etc; cat /etc/os-release').stdout, 'group\nos-release\npasswd\nNAME=test\n')
  t.same(readdirSync(scope.path('store/run')), [])
  t.same(readdirSync(scope.path('store/bundles')), [])
})

test('the bundle of a detached container goes when that is deleted', (t, scope) => {
  importImage(scope, { layers: [busyboxLayer()] })
  const id = scope.newId()
  const { status, stderr } = sh(scope, 'sleep 100', ['--detach', '--name', id])
  t.same({ status, stderr }, { status: 0, stderr: '' })
  t.equal(readdirSync(scope.path('store/run')).length, 1)
  t.match(image(scope, 'gc').stdout, '0 bundles')
  t.equal(scope.runtime(['exec', id, 'cat', '/etc/os-release']).stdout, 'NAME=test\n')
  t.equal(scope.runtime(['delete', '--force', id]).status, 0)
  t.same(readdirSync(scope.path('store/run')), [])
})

test('nothing is left of a container that cannot be run', (t, scope) => {
  importImage(scope, { layers: [busyboxLayer()] })
  const { status, stderr } = scope.runtime(['run', '--image-root', scope.path('store'), '--image', 'test', '/nothing'])
  t.equal(status, 1)
  t.match(stderr, '/nothing')
  t.match(sh(scope, 'true', ['--user', 'nobody-knows']).stderr, 'the image has no user "nobody-knows"')
  t.same(readdirSync(scope.path('store/run')), [])
  t.same(readdirSync(scope.path('store/bundles')), [])
})

test('gc removes what no name and no bundle needs', (t, scope) => {
  const digest = importImage(scope, { layers: [busyboxLayer(), tar([{ name: 'x' }])] })
  t.equal(image(scope, 'gc').stdout, 'removed 0 blobs, 0 layers, 0 bundles, 0 unfinished\n')
  scope.runtime(['bundle', 'create', '--image-root', scope.path('store'), 'test', scope.path('bundle'), 'sh'])
  t.equal(image(scope, 'remove', ['test']).stdout, 'docker.io/library/test:latest\n')
  t.match(image(scope, 'gc').stdout, 'removed 0 blobs, 0 layers')
  t.match(image(scope, 'inspect', [digest]).stderr, 'there is no image')
  scope.runtime(['bundle', 'delete', scope.path('bundle')])
  t.match(image(scope, 'gc').stdout, 'removed 4 blobs, 2 layers')
  t.same(readdirSync(scope.path('store/blobs/sha256')), [])
})

test('a directory that is no bundle of an image is not deleted, nor used for one', (t, scope) => {
  importImage(scope, { layers: [busyboxLayer()] })
  mkdirSync(scope.path('own/rootfs'), { recursive: true })
  t.match(scope.runtime(['bundle', 'delete', scope.path('own')]).stderr, 'is no bundle that was made of an image')
  const made = scope.runtime(['bundle', 'create', '--image-root', scope.path('store'), 'test', scope.path('own'), 'sh'])
  t.match(made.stderr, 'is in use: it has a rootfs')
  t.same(readdirSync(scope.path('own')), ['rootfs'])
})

test('flags of an image are refused without one', (t, scope) => {
  t.match(scope.runtime(['run', '--read-only', 'id']).stderr, '--read-only goes with --image')
  t.match(
    scope.runtime(['run', '--image', '127.0.0.1:1/nothing', '--image-root', scope.path('store')]).stderr,
    'cannot pull 127.0.0.1:1/nothing:latest: cannot reach https://127.0.0.1:1',
  )
})
