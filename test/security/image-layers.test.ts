/** Hostile images: each is refused with the name of its entry, and nothing of it is anywhere. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { digestOf, writeLayout, zstd, type ImageParts } from '../helpers/image.js'
import type { Result } from '../helpers/runtime.js'
import type { Scope } from '../helpers/scope.js'
import { tar, type TarEntry } from '../helpers/tar.js'
import { testWith } from '../helpers/test.js'

const test = testWith('tsrun')
const file = { name: 'etc/file', content: 'text' }

/** Imports an image, with a store below the test's folder beside something that must stay as it is. */
function tryImport(
  scope: Scope,
  parts: ImageParts,
  args: readonly string[] = [],
  change?: Parameters<typeof writeLayout>[2],
): Result {
  writeFileSync(scope.path('canary'), 'untouched', { mode: 0o600 })
  writeLayout(scope.path('layout'), parts, change)
  return scope.runtime(['image', 'import', '--image-root', scope.path('store'), ...args, scope.path('layout')])
}

function assertRefused(t: Test, scope: Scope, { status, stderr, stdout }: Result, words: string): void {
  t.equal(status, 1)
  t.equal(stdout, '')
  t.match(stderr, words)
  t.same(readdirSync(scope.path('store/layers/sha256')), [], 'no layer')
  t.same(readdirSync(scope.path('store/refs')), [], 'no name')
  t.same(readdirSync(scope.path('store/ingest')), [], 'nothing unfinished')
  t.equal(readFileSync(scope.path('canary'), 'utf8'), 'untouched')
  t.equal(statSync(scope.path('canary')).mode & 0o777, 0o600)
  t.same(readdirSync(scope.folder).sort(), ['canary', 'layout', 'output', 'state', 'store'], 'nothing beside the store')
}

const outside = mkdtempSync(join(tmpdir(), 'tsrun-outside-'))
t.teardown(() => {
  // An error when there is anything in it.
  rmdirSync(outside)
})
const link = (name: string, to: string): TarEntry => ({ name, type: '2', link: to })
const hard = (name: string, to: string): TarEntry => ({ name, type: '1', link: to })

const hostile: Readonly<Record<string, readonly [entries: readonly TarEntry[], words: string]>> = {
  'a name with ..': [[file, { name: '../canary', content: 'x' }], 'entry "../canary": its name leads upwards by ..'],
  'a name with .. in its middle': [[{ name: 'a/../../x' }], 'entry "a/../../x": its name leads upwards by ..'],
  'an absolute name': [[{ name: `${outside}/x` }], `entry "${outside}/x": it has an absolute name`],
  'a parent that is an absolute link': [
    [link('a', outside), { name: 'a/x', content: 'x' }],
    'entry "a/x": a directory of its name is a link that leads out of the root',
  ],
  'a parent that is a climbing link': [
    [{ name: 'd/', type: '5' }, link('d/a', '../../../..'), { name: 'd/a/canary', content: 'x' }],
    'entry "d/a/canary": a directory of its name is a link that leads out of the root',
  ],
  'a parent that is a link in a circle': [
    [link('a', 'a'), { name: 'a/x' }],
    'entry "a/x": a directory of its name is a link in a circle',
  ],
  'a parent that is a file': [[file, { name: 'etc/file/x' }], 'entry "etc/file/x": a directory of its name is none'],
  'a hard link with ..': [
    [hard('a', '../../canary')],
    'entry "a (hard link to ../../canary)": its name leads upwards by ..',
  ],
  'a hard link to an absolute name': [
    [hard('a', '/etc/shadow')],
    'entry "a (hard link to /etc/shadow)": it has an absolute name',
  ],
  'a hard link through a link': [
    [link('out', '/etc'), hard('a', 'out/shadow')],
    'entry "a": it is a hard link that leads out of the root: out/shadow',
  ],
  'a hard link to nothing': [[hard('a', 'b')], 'entry "a": it is a hard link to nothing: b'],
  'a hard link to a directory': [
    [{ name: 'd/', type: '5' }, hard('a', 'd')],
    'entry "a": it is a hard link to what can have none: d',
  ],
  'a file that is there twice': [[file, file], 'entry "etc/file": it is there twice'],
  'a link in the place of a directory': [
    [{ name: 'd/', type: '5' }, { name: 'd/x' }, link('d', '/')],
    'entry "d": it is there twice',
  ],
  'a file in the place of the root': [
    [{ name: '.', content: 'x' }],
    'entry ".": it is in the place of the root directory',
  ],
  'a whiteout of ..': [[{ name: 'd/.wh...' }], 'entry "d/.wh...": it hides no name'],
  'the device that is a whiteout': [[{ name: 'w', type: '3', device: [0, 0] }], 'entry "w": it is the device 0:0'],
  'an attribute of overlayfs': [
    [{ name: 'd/', type: '5', pax: { 'SCHILY.xattr.trusted.overlay.redirect': '/x' } }],
    'entry "d/": it has an attribute of overlayfs: trusted.overlay.redirect',
  ],
  'an attribute of overlayfs for users': [
    [{ name: 'd/', type: '5', pax: { 'SCHILY.xattr.user.overlay.opaque': 'y' } }],
    'entry "d/": it has an attribute of overlayfs: user.overlay.opaque',
  ],
  'an owner that is none': [
    [{ ...file, pax: { uid: '4294967295' } }],
    'entry "etc/file": its owner is no user or group id: 4294967295',
  ],
  'a size of eight exbibytes': [
    [file, { name: 'big', pax: { size: '9223372036854775807' } }],
    'entry "etc/file": what follows it is damaged: Tar size attribute overflow',
  ],
  'a name of 300 bytes in one part': [[{ name: 'x', pax: { path: 'n'.repeat(300) } }], 'its name is too long'],
  'a name longer than any path': [[{ name: 'x', pax: { path: 'ab/'.repeat(2000) } }], 'its name is too long'],
  'a terabyte of zeros': [
    [{ name: 'zeros', pax: { size: '1099511627776' } }],
    'entry "zeros": with it the files have more than 68719476736 bytes',
  ],
}

for (const [what, [entries, words]] of Object.entries(hostile)) {
  test(`a layer with ${what} is refused`, (t, scope) => {
    const result = tryImport(scope, { layers: [tar(entries)] })
    assertRefused(t, scope, result, words)
  })
}

// libarchive has no words for this end: the program was ended by a signal.
test('a layer that ends within the padding of a pax header is refused', (t, scope) => {
  const layer = tar([{ name: 'x', pax: { path: 'n'.repeat(120) } }]).subarray(0, 975)
  assertRefused(t, scope, tryImport(scope, { layers: [layer] }), 'it is damaged')
})

/** Imports the file `archive` of the test's folder. */
const importArchive = (scope: Scope): Result =>
  scope.runtime(['image', 'import', '--image-root', scope.path('store'), scope.path('archive')])

test('a layer with more entries than it may have is refused', (t, scope) => {
  const entries = Array.from({ length: 11 }, (_, at) => ({ name: `f${at}` }))
  const result = tryImport(scope, { layers: [tar(entries)] }, ['--max-entries', '10'])
  assertRefused(t, scope, result, 'entry "f10": the layer has more than 10 entries')
})

test('a sparse file counts with its holes', (t, scope) => {
  const pax = {
    'GNU.sparse.major': '1',
    'GNU.sparse.minor': '0',
    'GNU.sparse.name': 'hole',
    'GNU.sparse.realsize': '1099511627776',
  }
  const result = tryImport(scope, { layers: [tar([{ name: 'x', pax, content: '0\n'.padEnd(512, '\0') }])] })
  assertRefused(t, scope, result, 'entry "hole": with it the files have more than 68719476736 bytes')
})

for (const [name, compress] of Object.entries({
  gzip: (data: Buffer) => gzipSync(data),
  zstd: (data: Buffer) => zstd(data),
})) {
  test(`a layer of zeros that ${name} makes small is refused before it fills the disk`, (t, scope) => {
    const layer = compress(tar([{ name: 'zeros', content: Buffer.alloc(64 << 20) }]))
    t.ok(layer.length < 1 << 20)
    const result = tryImport(scope, { layers: [layer] }, ['--max-size', '1m'])
    assertRefused(t, scope, result, 'entry "zeros": with it the files have more than 1048576 bytes')
  })

  test(`a tar that is nothing but headers, made small by ${name}, is refused`, (t, scope) => {
    const layer = compress(
      Buffer.concat(Array<Buffer>(8000).fill(tar([{ name: 'x', pax: { comment: 'y' } }]).subarray(0, 1024))),
    )
    assertRefused(t, scope, tryImport(scope, { layers: [layer] }, ['--max-size', '1m']), 'layer')
  })

  test(`a layer whose ${name} data ends too early is refused`, (t, scope) => {
    const whole = tar([{ name: 'x', content: Buffer.alloc(1 << 20, 'abc') }])
    const layer = compress(whole).subarray(0, -20)
    assertRefused(
      t,
      scope,
      tryImport(scope, { layers: [layer], diffs: [digestOf(whole)] }),
      `in the middle of its ${name} data`,
    )
  })
}

test('a layer that is not what the config says is refused', (t, scope) => {
  const wrong = digestOf('other')
  assertRefused(t, scope, tryImport(scope, { layers: [tar([file])], diffs: [wrong] }), `not ${wrong}`)
})

test('a blob with another digest or size than its descriptor says is refused', (t, scope) => {
  const parts = { layers: [tar([file])] }
  const digest = digestOf(tar([file]))
  const other = tryImport(scope, parts, [], ({ layers }) =>
    writeFileSync(
      join(scope.path('layout/blobs/sha256'), layers[0]?.digest.slice(7) ?? ''),
      'x'.repeat(tar([file]).length),
    ),
  )
  assertRefused(t, scope, other, `the layer ${digest} is not what it should be: it has the digest sha256:`)
  const size = tryImport(scope, parts, [], ({ layers }) => void ((layers[0] ?? { size: 0 }).size += 1))
  assertRefused(
    t,
    scope,
    size,
    `the layer ${digest} has ${tar([file]).length} bytes, and should have ${tar([file]).length + 1}`,
  )
})

test('what is no tar is refused', (t, scope) => {
  const layer = Buffer.from('no archive at all '.repeat(100))
  assertRefused(t, scope, tryImport(scope, { layers: [layer] }), 'the layer is no tar archive')
})

test('the archive of an image is refused for a name or link that leads out of it', (t, scope) => {
  writeFileSync(scope.path('canary'), 'untouched')
  for (const entries of [
    [{ name: '../canary', content: 'x' }],
    [link('blobs', '/'), { name: 'blobs/x' }],
    [{ name: 'p', type: '6' }],
  ]) {
    writeFileSync(scope.path('archive'), tar(entries))
    const { status, stderr } = importArchive(scope)
    t.equal(status, 1)
    t.match(stderr, `entry ${JSON.stringify(entries.at(-1)?.name)}`)
    t.same(readdirSync(scope.path('store/ingest')), [])
  }
  t.equal(readFileSync(scope.path('canary'), 'utf8'), 'untouched')
})

test('a link in the archive of an image leads to no file of the host', (t, scope) => {
  mkdirSync(scope.path('layout'))
  writeFileSync(
    scope.path('archive'),
    tar([link('index.json', '/etc/passwd'), link('manifest.json', scope.path('secret'))]),
  )
  writeFileSync(scope.path('secret'), '[]')
  const { status, stderr } = importArchive(scope)
  t.equal(status, 1)
  t.match(stderr, 'this is no image')
})

test('headers of pax of 128 MiB that compress to nothing do not fill the memory', (t, scope) => {
  for (const [place, key] of ['comment', 'path', 'SCHILY.xattr.user.x'].entries()) {
    const layer = gzipSync(tar([{ name: 'x', pax: { [key]: 'x'.repeat(128 << 20) } }]))
    writeLayout(scope.path(`bomb-${place}`), { layers: [layer], diffs: [digestOf('never known')] })
    const args = ['image', 'import', '--image-root', scope.path('store'), scope.path(`bomb-${place}`)]
    const [program, ...rest] = scope.runner.commandLine(args)
    const { status, stderr } = scope.runner.runProgram('prlimit', ['--data=60000000', program, ...rest])
    t.equal(status, 1)
    t.match(stderr, /layer sha256:[^]*(header|attribute|pax|not what its image says)/i)
    t.same(readdirSync(scope.path('store/layers/sha256')), [], 'no layer')
  }
})
