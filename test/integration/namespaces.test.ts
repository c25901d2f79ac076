/** config.json: linux.namespaces and timeOffsets. */
import { readFileSync, readlinkSync } from 'node:fs'
import { dropNamespace, setNamespace, type Change, type LinuxNamespaceType } from '../helpers/config.js'
import type { Container } from '../helpers/container.js'
import { parseReport, tried, type Report } from '../helpers/probe.js'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'

/** Names in /proc/PID/ns by the names of config.json. */
const procNames = {
  pid: 'pid',
  network: 'net',
  mount: 'mnt',
  ipc: 'ipc',
  uts: 'uts',
  cgroup: 'cgroup',
  time: 'time',
  user: 'user',
} as const satisfies Record<LinuxNamespaceType, keyof Report['namespaces']>

const own = (type: LinuxNamespaceType): string => readlinkSync(`/proc/self/ns/${procNames[type]}`)

const waits: Change = (config) => {
  config.process.args = ['/probe', 'wait']
}

/** A running container with all the namespaces that this version can make, and the path of each. */
function holder(
  scope: Scope,
  ...types: LinuxNamespaceType[]
): { container: Container; path: (t: LinuxNamespaceType) => string } {
  const container = scope.container((config) => {
    waits(config)
    for (const type of types) setNamespace(config, type)
  })
  const { stderr } = container.run(['--detach'])
  if (stderr !== '') throw new Error(stderr)
  const { pid } = container.state()
  return { container, path: (type) => `/proc/${pid}/ns/${procNames[type]}` }
}

for (const type of ['pid', 'network', 'mount', 'ipc', 'uts', 'cgroup', 'time'] as const) {
  test(`a new ${type} namespace is not the runtime's, and the others are not affected`, (t, scope) => {
    const report = scope.probe((config) => {
      config.mounts = config.mounts.filter(({ destination }) => type === 'mount' || destination !== '/sys')
      config.linux.namespaces = [{ type: 'mount' }]
      setNamespace(config, type)
    })
    for (const [name, procName] of Object.entries(procNames) as [LinuxNamespaceType, keyof Report['namespaces']][]) {
      const isNew = name === type || name === 'mount'
      t.equal(report.namespaces[procName] !== own(name), isNew, name)
    }
  })
}

test('without a namespace in the config the container shares the runtime’s', (t, scope) => {
  const report = scope.probe((config) => {
    for (const type of ['pid', 'ipc', 'uts'] as const) dropNamespace(config, type)
  })
  for (const type of ['pid', 'ipc', 'uts', 'network', 'user', 'time', 'cgroup'] as const) {
    t.equal(report.namespaces[procNames[type]], own(type), type)
  }
})

test('the program is pid 1 of a new pid namespace, and its procfs shows that namespace', (t, scope) => {
  const report = scope.probe(undefined, 'list /proc', 'link /proc/self')
  t.match(report, { pid: 1, ppid: 0, sid: 1, pgid: 1 })
  t.equal(tried(report, 'link /proc/self').text, '1')
  t.same(
    tried(report, 'list /proc').entries?.filter((name) => /^\d+$/.test(name)),
    ['1'],
  )
})

test('a new network namespace has its loopback up, and nothing else', (t, scope) => {
  const container = scope.container((config) => {
    setNamespace(config, 'network')
    config.process.args = ['/bin/sh', '-c', 'cat /sys/class/net/lo/flags; ls /sys/class/net']
  })
  const lines = container.run().stdout.trim().split('\n')
  const IFF_UP = 1
  t.equal(Number(lines[0]) & IFF_UP, IFF_UP)
  t.ok(lines.includes('lo'))
})

test(
  'a new cgroup namespace has the container’s cgroup as its root',
  (t, scope) => {
    const { cgroups } = scope.probe((config) => setNamespace(config, 'cgroup'))
    t.ok(cgroups.includes('0::/'))
  },
  { needs: ['cgroup-unified'] },
)

test(
  'time offsets shift the clocks of a new time namespace',
  (t, scope) => {
    const CLOCK_MONOTONIC = 1
    const CLOCK_BOOTTIME = 7
    const clocks = [`clock ${CLOCK_MONOTONIC}`, `clock ${CLOCK_BOOTTIME}`]
    const plain = scope.probe(undefined, ...clocks)
    const shifted = scope.probe(
      (config) => {
        setNamespace(config, 'time')
        config.linux.timeOffsets = { monotonic: { secs: 100_000 }, boottime: { secs: 200_000, nanosecs: 5 } }
      },
      ...clocks,
    )
    const difference = (words: string) => (tried(shifted, words).seconds ?? 0) - (tried(plain, words).seconds ?? 0)
    t.ok(difference(clocks[0]!) >= 100_000 && difference(clocks[0]!) < 150_000)
    t.ok(difference(clocks[1]!) >= 200_000 && difference(clocks[1]!) < 250_000)
  },
  { needs: ['time-namespaces'] },
)

test('time offsets without a time namespace are refused', (t, scope) => {
  const container = scope.container((config) => {
    config.linux.timeOffsets = { monotonic: { secs: 1 } }
  })
  t.match(container.run(), { status: 1, stderr: /timeOffsets.*time namespace/ })
})

for (const type of ['pid', 'network', 'ipc', 'uts', 'cgroup'] as const) {
  test(`a ${type} namespace is joined by its path`, (t, scope) => {
    const { path } = holder(scope, type)
    const report = scope.probe((config) => setNamespace(config, type, path(type)))
    t.equal(report.namespaces[procNames[type]], readlinkSync(path(type)))
    t.not(report.namespaces[procNames[type]], own(type))
  })
}

test(
  'a time namespace is joined by its path',
  (t, scope) => {
    const { path } = holder(scope, 'time')
    const report = scope.probe((config) => setNamespace(config, 'time', path('time')))
    t.equal(report.namespaces.time, readlinkSync(path('time')))
  },
  { needs: ['time-namespaces'] },
)

test('a user namespace that is the runtime’s own can be named by its path', (t, scope) => {
  const container = scope.container((config) => setNamespace(config, 'user', '/proc/self/ns/user'))
  container.run()
  t.equal(container.report().namespaces.user, own('user'))
})

test('several namespaces are joined at once: a container in another one’s pod', (t, scope) => {
  const { path } = holder(scope, 'network', 'ipc', 'uts', 'pid')
  const shared = ['network', 'ipc', 'uts', 'pid'] as const
  const report = scope.probe((config) => {
    for (const type of shared) setNamespace(config, type, path(type))
  })
  for (const type of shared) t.equal(report.namespaces[procNames[type]], readlinkSync(path(type)), type)
  t.ok(report.pid > 1, 'it is not pid 1 of the namespace that it joins')
})

test('in a joined pid namespace a program has its terminal, session, scheduler and the proc of all', async (t, scope) => {
  const { path } = holder(scope, 'pid')
  const container = scope.container((config) => {
    setNamespace(config, 'pid', path('pid'))
    config.process.terminal = true
    config.process.args = ['/probe', 'read /proc/1/comm']
    config.process.rlimits = [{ type: 'RLIMIT_NPROC', soft: 500, hard: 600 }]
    config.process.scheduler = { policy: 'SCHED_BATCH', nice: 3, flags: ['SCHED_FLAG_RESET_ON_FORK'] }
  })
  const peer = await scope.peer('console', scope.path('socket'))
  t.match(container.create(['--console-socket', scope.path('socket')]), { status: 0, stderr: '' })
  const { pid } = container.state()
  t.match(readFileSync(`/proc/${pid}/limits`, 'utf8'), /^Max processes +500 +600/m)
  // Policy, as of proc_pid_stat(5), and nice: what a fork would have taken back.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  t.same([fields[16], fields[38]], ['3', '3'], 'SCHED_BATCH with its nice value')
  t.equal(container.start().status, 0)
  const report = parseReport((await peer.report()).shown ?? '')
  t.match(report.terminal, { stdin: true, controlling: true })
  t.equal(report.sid, report.pid, 'the program leads its session')
  t.equal(report.namespaces.pid, readlinkSync(path('pid')))
  t.match(tried(report, 'read /proc/1/comm'), { text: /^probe/ })
  container.awaitEnd()
})

test('a container in a joined pid namespace ends without the namespace', (t, scope) => {
  const { container, path } = holder(scope, 'pid')
  const other = scope.container((config) => {
    config.process.args = ['/probe', 'exit', '7']
    setNamespace(config, 'pid', path('pid'))
  })
  t.equal(other.run().status, 7)
  t.equal(container.state().status, 'running')
})

test('a namespace of another type than the config says is refused', (t, scope) => {
  const { path } = holder(scope, 'network')
  const types = ['pid', 'network', 'mount', 'ipc', 'uts', 'cgroup'] as const
  for (const type of types) {
    const other = type === 'ipc' ? 'uts' : 'ipc'
    const container = scope.container((config) => setNamespace(config, type, path(other)))
    const { status, stderr } = container.create()
    t.equal(status, 1, type)
    t.match(stderr, /namespace|setns|[Ii]nvalid argument/)
  }
  t.equal(scope.leftovers().filter((line) => line.startsWith('state')).length, 1, 'only the one that is joined')
})

test('a path that is no namespace, and one that is not there, are errors that name it', (t, scope) => {
  for (const path of ['/etc/passwd', '/nonexistent/namespace']) {
    const container = scope.container((config) => setNamespace(config, 'uts', path))
    const { status, stderr } = container.create()
    t.equal(status, 1)
    t.match(stderr, path)
    t.same(scope.leftovers(), [])
  }
})
