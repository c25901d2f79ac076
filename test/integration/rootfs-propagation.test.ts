/** config.json: linux.rootfsPropagation: what is mounted at one side of the root, seen from the other. */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeRootfs } from '../helpers/bundle.js'
import type { TestConfig } from '../helpers/config.js'
import { mountsSeenBy } from '../helpers/leaks.js'
import { parseMountInfo, type MountInfo } from '../helpers/probe.js'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'

type Propagation = NonNullable<TestConfig['linux']['rootfsPropagation']>

/** By value of the member: what the root and a mount below it are, and at which of them the host's mounts arrive. */
const forms: readonly [Propagation | undefined, root: string, below: string, arrive: string[]][] = [
  [undefined, '', 'master', ['/below/late']],
  ['private', '', 'master', ['/below/late']],
  ['rprivate', '', '', []],
  ['slave', 'master', 'master', ['/late', '/below/late']],
  ['rslave', 'master', 'master', ['/late', '/below/late']],
  ['shared', 'shared master', 'master', ['/late', '/below/late']],
  ['rshared', 'shared master', 'shared master', ['/late', '/below/late']],
  ['unbindable', 'unbindable', 'master', ['/below/late']],
  ['runbindable', 'unbindable', 'unbindable', []],
]

const kindAt = (mounts: readonly MountInfo[], point: string): string | undefined =>
  mounts
    .findLast((mount) => mount.point === point)
    ?.tags.map((tag) => tag.split(':')[0])
    .join(' ')

const mountShared = (scope: Scope, name: string): string => {
  const path = scope.mountTmpfs(name)
  scope.runner.runProgram('mount', ['--make-shared', path])
  return path
}

/** A root file system in a shared mount, or one itself, with another shared mount below. */
function sharedRootfs(scope: Scope, isMount: boolean): string {
  mountShared(scope, 'shared')
  const rootfs = isMount ? mountShared(scope, 'shared/rootfs') : scope.path('shared/rootfs')
  makeRootfs(rootfs)
  mountShared(scope, 'shared/rootfs/below')
  for (const name of ['late', 'own', 'below/late', 'below/own']) mkdirSync(join(rootfs, name))
  return rootfs
}

/** The container's own mounts; then a bind of its root, which only an unbindable one refuses. */
const program =
  'mount -t tmpfs own /own && mount -t tmpfs own /below/own && mount -o bind / /tmp 2> /dev/null; echo bind $?'

for (const isMount of [false, true]) {
  for (const [propagation, root, below, arrive] of forms) {
    const where = isMount ? 'itself a shared mount' : 'within a shared mount'
    test(`rootfsPropagation ${propagation ?? 'left out'}, where the rootfs is ${where}`, (t, scope) => {
      const rootfs = sharedRootfs(scope, isMount)
      const container = scope.container((config) => {
        config.root.path = rootfs
        if (propagation !== undefined) config.linux.rootfsPropagation = propagation
        config.process.args = ['/bin/sh', '-c', program]
      })
      const before = mountsSeenBy(scope.word)
      t.match(container.create(), { status: 0, stderr: '' })
      t.same(mountsSeenBy(scope.word), before, 'none of the host’s mounts is gone, none has come')
      scope.mountTmpfs('shared/rootfs/late')
      scope.mountTmpfs('shared/rootfs/below/late')
      const lines = readFileSync(`/proc/${container.state().pid}/mountinfo`, 'utf8').trim().split('\n')
      const mounts = lines.map(parseMountInfo)
      t.equal(kindAt(mounts, '/'), root)
      t.equal(kindAt(mounts, '/below'), below)
      t.same(
        mounts.map(({ point }) => point).filter((point) => point.endsWith('/late')),
        arrive,
      )
      container.start()
      container.awaitEnd()
      t.match(container.output.stdout, root === 'unbindable' ? /^bind [^0]/ : /^bind 0/)
      t.notMatch(mountsSeenBy(scope.word).join('\n'), /\/own /, 'what the container mounts stays with it')
    })
  }
}
