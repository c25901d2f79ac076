/** config.json: mounts in a user namespace: sources that its root cannot reach, flags that it cannot take back. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mapIds, setNamespace, type Change, type TestConfig } from '../helpers/config.js'
import { mountAt, tried } from '../helpers/probe.js'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'

const hostID = 100_000

/** What a user namespace locks, in the order of mountinfo. */
const flags = ['ro', 'nosuid', 'nodev', 'noexec', 'noatime', 'nodiratime']

/** A directory with a file, below one that only root may enter. */
function hiddenSource(scope: Scope): string {
  const source = join(scope.path('private'), 'source')
  mkdirSync(source, { recursive: true })
  chmodSync(scope.path('private'), 0o700)
  writeFileSync(join(source, 'file'), 'reached')
  return source
}

/** A tmpfs of the host with those flags, and a file. */
function restricted(scope: Scope, name: string, ...options: string[]): string {
  const source = scope.mountTmpfs(name)
  writeFileSync(join(source, 'file'), 'text')
  const { status, stderr } = scope.runner.runProgram('mount', ['-o', `remount,bind,${options.join(',')}`, source])
  if (status !== 0) throw new Error(stderr)
  return source
}

const bound = (source: string, ...options: string[]): Change => {
  return (config) => {
    mapIds(config, hostID)
    config.mounts.push({ destination: '/dev/data', type: 'bind', source, options })
  }
}

test('a source below a directory that the mapped root may not enter is bound all the same', (t, scope) => {
  const source = hiddenSource(scope)
  for (const change of [bound(source, 'rbind'), bound(join(source, 'file'), 'bind', 'ro')]) {
    const report = scope.probe(change, 'read /dev/data', 'read /dev/data/file', `list ${scope.folder}`)
    const file = [tried(report, 'read /dev/data'), tried(report, 'read /dev/data/file')]
    t.ok(file.some(({ text }) => text === 'reached'))
    t.ok(mountAt(report, '/dev/data').options.includes('relatime'))
    t.equal(tried(report, `list ${scope.folder}`).error, 'ENOENT', 'of the directories above nothing is to be seen')
  }
})

test(
  'many sources out of reach, with others between them, are each where they belong',
  (t, scope) => {
    const hidden = hiddenSource(scope)
    mkdirSync(join(hidden, 'below'))
    writeFileSync(join(hidden, 'below/file'), 'below')
    const open = scope.path('open')
    mkdirSync(open)
    writeFileSync(join(open, 'file'), 'open')
    const sources = [hidden, open, join(hidden, 'below'), '/proc/self/ns', hidden]
    const report = scope.probe(
      (config) => {
        mapIds(config, hostID)
        sources.forEach((source, i) => {
          config.mounts.push({ destination: `/dev/data${i}`, type: 'bind', source, options: ['rbind'] })
        })
      },
      ...sources.map((_, i) => `read /dev/data${i}/file`),
    )
    const texts = sources.map((_, i) => tried(report, `read /dev/data${i}/file`).text)
    t.same(texts, ['reached', 'open', 'below', undefined, 'reached'])
  },
  { needs: ['tsrun'] },
)

test(
  'a bundle in a directory that only root may enter serves a container with a user namespace',
  (t, scope) => {
    chmodSync(scope.folder, 0o700)
    const report = scope.probe((config) => mapIds(config, hostID), 'stat /proc/1', 'read /proc/self/uid_map')
    t.match(tried(report, 'read /proc/self/uid_map').text, /^\s*0\s+100000\s+65536\s*$/)
    t.equal(report.cwd, '/')
  },
  { needs: ['tsrun'] },
)

test(
  'a missing source is an error, also where only root could see that it is missing',
  (t, scope) => {
    const source = join(hiddenSource(scope), 'missing')
    const container = scope.container(bound(source, 'rbind'))
    t.match(container.create(), { status: 1, stderr: new RegExp(`"${source}": no such file or directory`) })
    t.same(scope.leftovers(), [])
  },
  { needs: ['tsrun'] },
)

test(
  'a joined mount namespace gets no rights of the runtime lent',
  (t, scope) => {
    const source = hiddenSource(scope)
    const holder = scope.container((config) => {
      mapIds(config, hostID)
      config.process.args = ['/probe', 'wait']
    })
    t.equal(holder.run(['--detach']).status, 0)
    const { pid } = holder.state()
    const container = scope.container((config) => {
      bound(source, 'rbind')(config)
      setNamespace(config, 'mount', `/proc/${pid}/ns/mnt`)
    })
    t.equal(container.create().status, 1)
  },
  { needs: ['tsrun'] },
)

/** The options of /dev/data as the container has them, and what taking them back by mount(8) comes to. */
function takeBack(
  scope: Scope,
  change: (config: TestConfig) => void,
): { options: readonly string[]; status: number | null } {
  const report = scope.probe(change)
  const container = scope.container((config) => {
    change(config)
    config.process.args = ['/bin/mount', '-o', 'remount,bind,rw', '/dev/data']
  })
  return { options: mountAt(report, '/dev/data').options, status: container.run().status }
}

test('a bind keeps the flags of its source, whatever else it asks for, and the container cannot take them back', (t, scope) => {
  const source = restricted(scope, 'source', ...flags)
  for (const options of [['rbind'], ['rbind', 'ro'], ['bind', 'nosuid', 'noexec'], ['rbind', 'rro', 'rprivate']]) {
    const seen = takeBack(scope, bound(source, ...options))
    t.same(
      seen.options.filter((option) => flags.includes(option)),
      flags,
      options.join(),
    )
    t.not(seen.status, 0, 'remount,rw is refused inside')
  }
})

test(
  'flags are kept as well where the runtime has opened the source',
  (t, scope) => {
    mkdirSync(scope.path('private'), { mode: 0o700 })
    const source = restricted(scope, 'private/source', ...flags)
    const seen = takeBack(scope, bound(source, 'rbind'))
    t.same(
      seen.options.filter((option) => flags.includes(option)),
      flags,
    )
    t.not(seen.status, 0)
    const mapped = takeBack(scope, bound(source, 'rbind', 'idmap'))
    t.same(
      mapped.options.filter((option) => flags.includes(option)),
      flags,
    )
    t.not(mapped.status, 0)
  },
  { needs: ['tsrun'] },
)

test('what the runtime itself sets the container may take back, as root of its mount namespace', (t, scope) => {
  const source = scope.mountTmpfs('source')
  const seen = takeBack(scope, bound(source, 'bind', 'ro'))
  t.ok(seen.options.includes('ro'))
  t.equal(seen.status, 0)
})

test(
  'an option that would take a locked flag back is an error that says so',
  (t, scope) => {
    const source = restricted(scope, 'source', 'ro', 'nosuid', 'nodev', 'noexec', 'noatime')
    for (const option of ['rw', 'suid', 'dev', 'exec', 'relatime', 'strictatime', 'rrw', 'rsuid']) {
      const container = scope.container(bound(source, 'rbind', option))
      t.match(container.create(), {
        status: 1,
        stderr: /mount_setattr "\/dev\/data": operation not permitted \(in a user namespace the options ro, nosuid/,
      })
    }
    const same = scope.probe(bound(source, 'rbind', 'noatime', 'ro'))
    t.ok(mountAt(same, '/dev/data').options.includes('noatime'))
    t.same(
      scope.leftovers().filter((line) => !line.startsWith('mount')),
      [],
    )
  },
  { needs: ['tsrun'] },
)

test(
  'a bind that would uncover what is below it is an error that names rbind',
  (t, scope) => {
    const source = scope.mountTmpfs('source')
    scope.mountTmpfs('source/below')
    const container = scope.container(bound(source, 'bind'))
    t.match(container.create(), { status: 1, stderr: /has mounts below it .* bind it with rbind/ })
    t.equal(scope.container(bound(source, 'rbind')).run().status, 0)
  },
  { needs: ['tsrun'] },
)

test('devices, which are bound in a user namespace, come without set-user-ID bits and programs', (t, scope) => {
  const report = scope.probe((config) => mapIds(config, hostID), 'write /dev/null x')
  t.equal(tried(report, 'write /dev/null x').error, '')
  const { options } = mountAt(report, '/dev/null')
  t.same(
    ['nosuid', 'nodev', 'noexec'].filter((word) => options.includes(word)),
    ['nosuid', 'noexec'],
  )
})
