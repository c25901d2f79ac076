/** config.json: linux.namespaces with paths: in any order, together with a user namespace, and a mount namespace. */
import { existsSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mapIds, setNamespace, type LinuxNamespaceType, type TestConfig } from '../helpers/config.js'
import { mountAt, tried, type Report } from '../helpers/probe.js'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'

/** Names in /proc/PID/ns by the names of config.json. */
const procNames = {
  ...{ user: 'user', pid: 'pid', network: 'net', ipc: 'ipc', uts: 'uts', cgroup: 'cgroup', time: 'time' },
} as const satisfies Partial<Record<LinuxNamespaceType, keyof Report['namespaces']>>

type Joined = keyof typeof procNames

const types = Object.keys(procNames) as Joined[]

/** A running container with a user namespace and all others in it; the path of each. */
function holder(scope: Scope): (type: Joined) => string {
  const container = scope.container((config) => {
    mapIds(config, 100_000)
    for (const type of types) setNamespace(config, type)
    config.process.args = ['/probe', 'wait']
  })
  const { status, stderr } = container.run(['--detach'])
  if (status !== 0) throw new Error(stderr)
  const { pid } = container.state()
  return (type) => `/proc/${pid}/ns/${procNames[type]}`
}

/** Joins these, in this order in the document, with a new mount namespace. */
function joins(config: TestConfig, path: (type: Joined) => string, order: readonly Joined[]): void {
  config.mounts = config.mounts.filter(({ type }) => type !== 'sysfs')
  config.linux.namespaces = [...order.map((type) => ({ type, path: path(type) })), { type: 'mount' }]
}

const orders: Record<string, readonly Joined[]> = {
  'each namespace with its owner first': types,
  'each namespace with its owner last': types.toReversed(),
  'the user namespace in the middle': ['time', 'uts', 'user', 'pid', 'cgroup', 'ipc', 'network'],
}

for (const [name, order] of Object.entries(orders)) {
  test(`all namespaces of another container are joined: ${name}`, (t, scope) => {
    const path = holder(scope)
    const report = scope.probe((config) => joins(config, path, order), 'read /proc/self/uid_map')
    for (const type of order) t.equal(report.namespaces[procNames[type]], readlinkSync(path(type)), type)
    t.match(tried(report, 'read /proc/self/uid_map').text, /^\s*0\s+100000\s+65536\s*$/)
    t.match(report, { uids: [0, 0, 0], gids: [0, 0, 0] })
    t.ok(report.pid > 1)
  })
}

test('a user namespace is joined with one other, in either order', (t, scope) => {
  const path = holder(scope)
  for (const type of types.filter((one) => one !== 'user')) {
    for (const order of [
      ['user', type],
      [type, 'user'],
    ] as Joined[][]) {
      const report = scope.probe((config) => {
        joins(config, path, order)
        // A procfs is for those who own the pid namespace.
        if (type !== 'pid') config.linux.namespaces.push({ type: 'pid' })
      })
      for (const one of order) t.equal(report.namespaces[procNames[one]], readlinkSync(path(one)), order.join())
    }
  }
})

test('in a user namespace that is joined the others are new, and belong to it', (t, scope) => {
  const path = holder(scope)
  const report = scope.probe((config) => {
    joins(config, path, ['user'])
    for (const type of types) if (type !== 'user') config.linux.namespaces.push({ type })
    config.hostname = 'inner'
  })
  t.equal(report.namespaces.user, readlinkSync(path('user')))
  t.equal(report.hostname, 'inner')
  for (const type of types.filter((one) => one !== 'user')) {
    t.not(report.namespaces[procNames[type]], readlinkSync(path(type)), type)
    t.not(report.namespaces[procNames[type]], readlinkSync(`/proc/self/ns/${procNames[type]}`), type)
  }
})

/** Namespaces without a process, each held by a file. */
function held(scope: Scope, ...kinds: ('mount' | 'user')[]): (kind: 'mount' | 'user') => string {
  const folder = scope.mountTmpfs('namespaces')
  scope.runner.runProgram('mount', ['--make-private', folder])
  for (const kind of kinds) {
    writeFileSync(join(folder, kind), '')
    scope.defer(() => void scope.runner.runProgram('umount', [join(folder, kind)]))
  }
  const args = kinds.map((kind) => `--${kind}=${join(folder, kind)}`)
  const map = kinds.includes('user') ? ['--map-root-user'] : []
  const { status, stderr } = scope.runner.runProgram('unshare', [...args, ...map, '--propagation', 'private', 'true'])
  if (status !== 0) throw new Error(stderr)
  return (kind) => join(folder, kind)
}

const inode = (path: string): string => String(statSync(path).ino)

test(
  'a mount namespace is joined by its path: the container’s mounts are made in it',
  (t, scope) => {
    const path = held(scope, 'mount')
    const report = scope.probe((config) => {
      setNamespace(config, 'mount', path('mount'))
      config.mounts.push({ destination: '/data', type: 'tmpfs', source: 'joined' })
    })
    t.match(report.namespaces.mnt, inode(path('mount')))
    t.match(mountAt(report, '/data'), { type: 'tmpfs', source: 'joined' })
    t.notOk(existsSync(join(scope.folder, 'data')))
  },
  { needs: ['tsrun'] },
)

test(
  'a mount namespace and the user namespace that it belongs to are joined, in either order',
  (t, scope) => {
    for (const order of [
      ['mount', 'user'],
      ['user', 'mount'],
    ] as const) {
      const path = held(scope, 'user', 'mount')
      const report = scope.probe((config) => {
        config.mounts = config.mounts.filter(({ type }) => type !== 'sysfs')
        config.linux.namespaces = [...order.map((type) => ({ type, path: path(type) })), { type: 'pid' }]
        // Of gids only the one of root is mapped.
        config.mounts = config.mounts.filter(({ type }) => type !== 'devpts')
      })
      t.match(report.namespaces.mnt, inode(path('mount')))
      t.match(report.namespaces.user, inode(path('user')))
    }
  },
  { needs: ['tsrun'] },
)

test(
  'time offsets that the kernel cannot keep are an error that names them',
  (t, scope) => {
    for (const [secs, words] of [
      [-1e15, /timens_offsets.*: .*out of range/],
      [1e15, /out of range/],
    ] as const) {
      const container = scope.container((config) => {
        setNamespace(config, 'time')
        config.linux.timeOffsets = { boottime: { secs } }
      })
      const { status, stderr } = container.create()
      t.equal(status, 1)
      t.match(stderr, words)
      t.match(stderr, /a clock of the container would be before 0 or after/)
    }
    t.same(scope.leftovers(), [])
  },
  { needs: ['time-namespaces', 'tsrun'] },
)

test(
  'time offsets are for a new time namespace, not for one that is joined',
  (t, scope) => {
    const path = holder(scope)
    const container = scope.container((config) => {
      setNamespace(config, 'time', path('time'))
      config.linux.timeOffsets = { monotonic: { secs: 1 } }
    })
    t.match(container.create(), {
      status: 1,
      stderr: /timeOffsets: needs a new time namespace, not one joined by path/,
    })
  },
  { needs: ['time-namespaces', 'tsrun'] },
)

test(
  'a new time namespace with offsets goes with joined namespaces of all other types',
  (t, scope) => {
    const path = holder(scope)
    const CLOCK_BOOTTIME = 7
    const read = `clock ${CLOCK_BOOTTIME}`
    const plain = scope.probe(undefined, read)
    const report = scope.probe((config) => {
      joins(
        config,
        path,
        types.filter((type) => type !== 'time'),
      )
      config.linux.namespaces.push({ type: 'time' })
      config.linux.timeOffsets = { boottime: { secs: 300_000 } }
    }, read)
    t.ok((tried(report, read).seconds ?? 0) - (tried(plain, read).seconds ?? 0) >= 300_000)
    t.equal(report.namespaces.user, readlinkSync(path('user')))
  },
  { needs: ['time-namespaces'] },
)
