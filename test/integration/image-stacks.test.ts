/** Images where overlayfs is not to be had, or is that of an older kernel; and images of many layers. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, statfsSync, statSync } from 'node:fs'
import { withFault, type Fault } from '../helpers/fault.js'
import { busyboxLayer, writeLayout } from '../helpers/image.js'
import type { Result } from '../helpers/runtime.js'
import type { Scope } from '../helpers/scope.js'
import { tar } from '../helpers/tar.js'
import { testWith } from '../helpers/test.js'

const test = testWith('tsrun', 'static')

/** A kernel without overlayfs, and one before 6.5, where all layers are one value of fsconfig(2). */
const withoutOverlay: Fault = { mode: 'call', number: 430, call: 0, errno: 19, path: 'overlay' }
const before65: Fault = { mode: 'call', number: 431, call: 0, errno: 22, path: 'lowerdir+' }
/** As long as Docker permits, and longer than one value of fsconfig(2). */
const many = 127

const store = (scope: Scope): string[] => ['--image-root', scope.path('store')]

const note = { 'SCHILY.xattr.user.note': 'yes' }

/** Layers that change one another, and below them as many as there are to be. */
function layersOf(count: number, pax: Readonly<Record<string, string>> = note): Buffer[] {
  const plain = Array.from({ length: count - 3 }, (_, at) =>
    tar([
      { name: 'd/', type: '5' },
      { name: `d/f${at}`, content: `${at}\n` },
      { name: 'last', content: `${at}\n` },
    ]),
  )
  const base = tar([
    { name: 'd/', type: '5', mode: 0o750, uid: 3, gid: 4 },
    { name: 'd/gone', content: 'x' },
    { name: 'd/hard', content: 'hard', mode: 0o4755, uid: 5, gid: 6, pax },
    { name: 'd/other', type: '1', link: 'd/hard' },
    { name: 'd/link', type: '2', link: 'hard' },
  ])
  return [busyboxLayer(), base, ...plain, tar([{ name: 'd/.wh.gone' }, { name: 'd/f0', content: 'changed\n' }])]
}

const script =
  'cat /d/f0 /d/f1 /last; cat /d/other; stat -c "%a %u:%g %h" /d /d/hard /d/link; ls /d | grep -c .; ls /d/gone 2>&1'

/** What the script must say of an image of so many layers; directories of overlays have one link. */
function assertAll(
  t: { match(found: unknown, wanted: unknown): boolean },
  { stdout, stderr }: Result,
  count: number,
): void {
  t.match(stdout.split('\n').slice(0, 4), ['changed', '1', String(count - 4), /^hard755 0:0 |^hard/])
  t.match(stdout, /\n4755 5:6 2\n777 0:0 1\n/)
  t.match(stdout, `\n${count - 3 + 3}\nls: /d/gone: No such file`)
  t.match(stderr, '')
}

const run = (...flags: string[]): string[] => ['run', ...flags, '--image', 'test', 'sh', '-c', script]

test('an image of 127 layers', (t, scope) => {
  writeLayout(scope.path('layout'), { layers: layersOf(many) })
  t.equal(scope.runtime(['image', 'import', ...store(scope), '--name', 'test', scope.path('layout')]).stderr, '')
  const result = scope.runtime(run(...store(scope)))
  t.equal(result.stderr, '')
  assertAll(t, result, many)
})

test(
  'an image of 30 layers on a kernel that is older',
  (t, scope) => {
    // Its tmpfs keeps no attributes of users.
    writeLayout(scope.path('layout'), { layers: layersOf(30, {}) })
    t.equal(scope.runtime(['image', 'import', ...store(scope), '--name', 'test', scope.path('layout')]).stderr, '')
    assertAll(t, scope.runtime(run(...store(scope))), 30)
  },
  { needs: ['kernel-before-6.5'] },
)

test('an image of 127 layers where overlayfs takes no layers one by one, as before 6.5', (t, scope) => {
  writeLayout(scope.path('layout'), { layers: layersOf(many) })
  const importing = ['image', 'import', ...store(scope), '--name', 'test', scope.path('layout')]
  const imported = withFault(scope, importing, before65)
  t.same([imported.status, imported.stderr], [0, ''])
  t.equal(imported.report.number, 431)
  const whole = readdirSync(scope.path('store/layers/sha256')).filter((name) =>
    readdirSync(scope.path(`store/layers/sha256/${name}`)).includes('whole'),
  )
  t.ok(whole.length >= 1 && whole.length < 4, `${whole.length} layers are whole`)
  assertAll(t, withFault(scope, run(...store(scope)), before65), many)
  // What is a stack there is one here.
  assertAll(t, scope.runtime(run(...store(scope))), many)
})

test('without overlayfs each layer is a copy of the one below, and a bundle a copy of the last', (t, scope) => {
  writeLayout(scope.path('layout'), { layers: layersOf(6) })
  const imported = withFault(
    scope,
    ['image', 'import', ...store(scope), '--name', 'test', scope.path('layout')],
    withoutOverlay,
  )
  t.same([imported.status, imported.stderr], [0, ''])
  t.equal(imported.report.number, 430)
  assertAll(t, withFault(scope, run(...store(scope)), withoutOverlay), 6)
  t.same(readdirSync(scope.path('store/run')), [])
  const bundle = ['bundle', 'create', ...store(scope), 'test', scope.path('bundle'), 'sh']
  t.equal(withFault(scope, bundle, withoutOverlay).status, 0)
  const { dev } = statSync(scope.path('bundle/rootfs/d'))
  t.equal(dev, statSync(scope.path('bundle')).dev, 'no mount')
  t.equal(scope.runtime(['bundle', 'delete', scope.path('bundle')]).status, 0)
  // Whole layers serve overlayfs, too.
  assertAll(t, scope.runtime(run(...store(scope))), 6)
})

test('layers that were unpacked for overlayfs say so where there is none', (t, scope) => {
  writeLayout(scope.path('layout'), { layers: layersOf(6) })
  scope.runtime(['image', 'import', ...store(scope), '--name', 'test', scope.path('layout')])
  const { status, stderr } = withFault(scope, run(...store(scope)), withoutOverlay)
  t.equal(status, 1)
  t.match(stderr, 'the layers of this image were unpacked for overlayfs, which cannot be used now')
  t.same(readdirSync(scope.path('store/run')), [])
})

test('a store on a file system that overlayfs cannot write to, and a bundle on another', (t, scope) => {
  for (const name of ['store', 'lower', 'upper', 'work', 'ram']) mkdirSync(scope.path(name))
  // An overlay is no upper directory of another one.
  const layers = `lowerdir=${scope.path('lower')},upperdir=${scope.path('upper')},workdir=${scope.path('work')}`
  const mount = (...args: string[]): void => void t.equal(scope.runner.runProgram('mount', args).stderr, '')
  mount('-t', 'overlay', 'overlay', '-o', layers, scope.path('store'))
  scope.defer(() => scope.runner.runProgram('umount', [scope.path('store')]))
  mount('-t', 'tmpfs', 'tmpfs', scope.path('ram'))
  scope.defer(() => scope.runner.runProgram('umount', [scope.path('ram')]))
  writeLayout(scope.path('layout'), { layers: layersOf(6) })
  t.equal(scope.runtime(['image', 'import', ...store(scope), '--name', 'test', scope.path('layout')]).stderr, '')
  assertAll(t, scope.runtime(run(...store(scope))), 6)
  const bundle = ['bundle', 'create', ...store(scope), 'test', scope.path('ram/bundle'), 'sh', '-c', script]
  t.equal(withFault(scope, bundle, withoutOverlay).status, 0)
  assertAll(t, scope.runtime(['run', '--bundle', scope.path('ram/bundle'), scope.newId()]), 6)
  t.equal(scope.runtime(['bundle', 'delete', scope.path('ram/bundle')]).status, 0)
})

test(
  'copies of a file system that shares blocks take no space',
  (t, scope) => {
    const program = (name: string, ...args: string[]): string => {
      const { stdout, stderr, status } = scope.runner.runProgram(name, args)
      t.equal(status, 0, stderr)
      return stdout
    }
    const place = scope.path('shared')
    mkdirSync(place)
    program('truncate', '-s', '400M', scope.path('disk'))
    program('mkfs.xfs', '-q', '-m', 'reflink=1', scope.path('disk'))
    program('mount', '-o', 'loop', scope.path('disk'), place)
    scope.defer(() => scope.runner.runProgram('umount', [place]))
    const large = tar([{ name: 'large', content: randomBytes(24 << 20) }])
    writeLayout(scope.path('layout'), { layers: [busyboxLayer(), large, tar([{ name: 'last', content: 'x' }])] })
    const at = ['--image-root', `${place}/store`]
    const importing = ['image', 'import', ...at, '--name', 'test', scope.path('layout')]
    t.equal(withFault(scope, importing, withoutOverlay).status, 0)
    const used = (): number => {
      program('sync', '-f', place)
      const { blocks, bfree, bsize } = statfsSync(place)
      return (blocks - bfree) * bsize
    }
    const before = used()
    const bundle = ['bundle', 'create', ...at, 'test', `${place}/bundle`, 'sh', '-c', 'ls -s /large']
    t.equal(withFault(scope, bundle, withoutOverlay).status, 0)
    const grown = used() - before
    t.ok(grown < 4 << 20, `a bundle with a file of 24 MiB takes ${grown} bytes`)
    t.match(scope.runtime(['run', '--bundle', `${place}/bundle`, scope.newId()]).stdout, '24576 /large')
    t.equal(scope.runtime(['bundle', 'delete', `${place}/bundle`]).status, 0)
  },
  { needs: ['loop-devices', 'mkfs.xfs'] },
)
