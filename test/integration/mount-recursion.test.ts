/** config.json: mounts: recursive options and propagation, linux.rootfsPropagation. */
import { readFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { mountAt, parseMountInfo, tried, type MountInfo } from '../helpers/probe.js'
import { mountsSeenBy } from '../helpers/leaks.js'
import { test } from '../helpers/test.js'

const words = ['ro', 'nosuid', 'nodev', 'noexec', 'noatime', 'nodiratime', 'relatime', 'nosymfollow']
const seen = (mount: MountInfo): string => words.filter((word) => mount.options.includes(word)).join(' ')

/** Recursive options on a plain tmpfs with another one below: what both have then. */
const setting: readonly [option: string, seen: string][] = [
  ['rro', 'ro relatime'],
  ['rnosuid', 'nosuid relatime'],
  ['rnodev', 'nodev relatime'],
  ['rnoexec', 'noexec relatime'],
  ['rnosymfollow', 'relatime nosymfollow'],
  ['rnodiratime', 'nodiratime relatime'],
  ['rnoatime', 'noatime'],
  ['rstrictatime', ''],
]

test('a recursive option changes a mount and those below it', (t, scope) => {
  const source = scope.mountTmpfs('source')
  scope.mountTmpfs('source/below')
  const report = scope.probe((config) => {
    for (const [option] of setting) {
      config.mounts.push({ destination: `/${option}`, type: 'bind', source, options: ['rbind', option] })
    }
    config.mounts.push({ destination: '/ro', type: 'bind', source, options: ['rbind', 'ro'] })
  })
  for (const [option, expected] of setting) {
    t.equal(seen(mountAt(report, `/${option}`)), expected, option)
    t.equal(seen(mountAt(report, `/${option}/below`)), expected, `${option}, below`)
  }
  t.equal(seen(mountAt(report, '/ro')), 'ro relatime')
  t.equal(seen(mountAt(report, '/ro/below')), 'relatime', 'without r it is the one mount alone')
})

test('a recursive option takes an option back from a mount and from those below it', (t, scope) => {
  const restricted = ['ro', 'nosuid', 'nodev', 'noexec', 'nosymfollow', 'nodiratime', 'noatime']
  const source = scope.mountTmpfs('source')
  scope.mountTmpfs('source/below', ...restricted)
  scope.runner.runProgram('mount', ['-o', `remount,bind,${restricted.join(',')}`, source])
  const taken = { rrw: 'ro', rsuid: 'nosuid', rdev: 'nodev', rexec: 'noexec', rsymfollow: 'nosymfollow' }
  // Of the access time the kernel's default is left, whichever value is taken back.
  const times = { ratime: 'noatime', rrelatime: 'noatime', rnorelatime: 'noatime', rnostrictatime: 'noatime' }
  const all = { ...taken, rdiratime: 'nodiratime', ...times }
  const report = scope.probe((config) => {
    for (const option of Object.keys(all)) {
      config.mounts.push({ destination: `/${option}`, type: 'bind', source, options: ['rbind', option] })
    }
  })
  for (const [option, word] of Object.entries(all)) {
    for (const point of [`/${option}`, `/${option}/below`]) {
      const { options } = mountAt(report, point)
      t.notOk(options.includes(word), `${option} takes ${word} from ${point}`)
      t.equal(options.includes('noexec'), option !== 'rexec', 'and leaves the others')
    }
  }
})

test('a recursive option works on a file system mount too', (t, scope) => {
  const report = scope.probe((config) => {
    config.mounts.push({ destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['rro', 'rnosuid'] })
  })
  t.equal(seen(mountAt(report, '/data')), 'ro nosuid relatime')
})

const kind = ({ tags }: MountInfo): string =>
  tags
    .map((tag) => tag.split(':')[0])
    .toSorted()
    .join(' ') || 'private'

test('each propagation option makes its kind of mount, the recursive ones also below', (t, scope) => {
  const source = scope.mountTmpfs('source')
  scope.runner.runProgram('mount', ['--make-shared', source])
  scope.mountTmpfs('source/below')
  scope.runner.runProgram('mount', ['--make-shared', join(source, 'below')])
  const kinds = { private: 'private', slave: 'master', shared: 'master shared', unbindable: 'unbindable' }
  const options = ['private', 'slave', 'shared', 'unbindable', 'rprivate', 'rslave', 'rshared', 'runbindable']
  const report = scope.probe((config) => {
    for (const option of options) {
      config.mounts.push({ destination: `/${option}`, type: 'bind', source, options: ['rbind', option] })
    }
  })
  for (const [name, expected] of Object.entries(kinds)) {
    t.match(kind(mountAt(report, `/${name}`)), lastWord(expected), name)
    t.match(kind(mountAt(report, `/r${name}`)), lastWord(expected), `r${name}`)
    t.match(kind(mountAt(report, `/r${name}/below`)), lastWord(expected), `r${name}, below`)
  }
  t.notMatch(kind(mountAt(report, '/private/below')), 'private', 'without r it is the one mount alone')
})

/** A shared mount may or may not also receive from the host's: that is for rootfsPropagation. */
const lastWord = (text: string): RegExp => new RegExp(`${text.split(' ').at(-1)}$`)

test('with rslave a mount that the host makes later appears in the container, with rprivate it doesn’t', (t, scope) => {
  const source = scope.mountTmpfs('source')
  scope.runner.runProgram('mount', ['--make-shared', source])
  const container = scope.container((config) => {
    config.process.args = ['/probe', 'wait']
    config.mounts.push(
      { destination: '/slave', type: 'bind', source, options: ['rbind', 'rslave'] },
      { destination: '/private', type: 'bind', source, options: ['rbind', 'rprivate'] },
    )
  })
  container.run(['--detach'])
  scope.mountTmpfs('source/later')
  const points = readFileSync(`/proc/${container.state().pid}/mountinfo`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => parseMountInfo(line).point)
  t.ok(points.includes('/slave/later'))
  t.notOk(points.includes('/private/later'))
})

test('with rshared a mount that the container makes appears on the host', (t, scope) => {
  const source = scope.mountTmpfs('source')
  scope.runner.runProgram('mount', ['--make-shared', source])
  const container = scope.container((config) => {
    config.process.args = ['/probe', 'mkdir /shared/made', 'mount tmpfs /shared/made tmpfs', 'write /shared/made/x x']
    config.linux.rootfsPropagation = 'shared'
    config.mounts.push({ destination: '/shared', type: 'bind', source, options: ['rbind', 'rshared'] })
  })
  t.equal(container.run().status, 0)
  t.ok(existsSync(join(source, 'made/x')))
  scope.runner.runProgram('umount', [join(source, 'made')])
})

test('rootfsPropagation makes the root the kind of mount that it names', (t, scope) => {
  const rootKind = (rootfsPropagation: 'shared' | 'slave' | 'private' | 'unbindable' | undefined) => {
    const report = scope.probe((config) => {
      if (rootfsPropagation !== undefined) config.linux.rootfsPropagation = rootfsPropagation
    })
    return kind(mountAt(report, '/'))
  }
  t.match(rootKind('shared'), /shared/)
  t.notMatch(rootKind('slave'), /shared/)
  t.equal(rootKind('private'), 'private')
  t.equal(rootKind('unbindable'), 'unbindable')
  t.notMatch(rootKind(undefined), /shared/)
})

test('whatever rootfsPropagation is, nothing that the container mounts in its root reaches the host', (t, scope) => {
  for (const rootfsPropagation of ['shared', 'rshared', 'slave', 'private'] as const) {
    const before = mountsSeenBy(scope.word)
    const report = scope.probe(
      (config) => {
        config.linux.rootfsPropagation = rootfsPropagation
      },
      'mount tmpfs /tmp tmpfs',
      'write /tmp/x x',
    )
    t.equal(tried(report, 'mount tmpfs /tmp tmpfs').error, '')
    t.same(mountsSeenBy(scope.word), before, rootfsPropagation)
  }
})
