import t from 'tap'
import type { Linux, NamespaceType } from '#dist/config/types.js'
import { cloneFlag } from '#dist/config/vocabulary/namespaces.js'
import { planNamespaces } from '#dist/plan/namespaces.js'

const created = (...types: NamespaceType[]) => types.map((type) => ({ type }))
const of = (namespaces: Linux['namespaces'], others: Partial<Linux> = {}) =>
  planNamespaces({ linux: { ...(namespaces ? { namespaces } : {}), ...others } }, { procOfOthers: true })

t.test('the flags are those of linux/sched.h', (t) => {
  t.strictSame(cloneFlag, {
    time: 0x80,
    mount: 0x20000,
    cgroup: 0x2000000,
    uts: 0x4000000,
    ipc: 0x8000000,
    user: 0x10000000,
    pid: 0x20000000,
    network: 0x40000000,
  })
  t.end()
})

t.test('new namespaces are made by the first clone', (t) => {
  const plan = of(created('pid', 'mount', 'uts', 'ipc', 'network'))
  t.match(plan, { cloneFlags: 0x20000000 | 0x20000 | 0x4000000 | 0x8000000 | 0x40000000, steps: [] })
  t.strictSame([...plan.created], ['pid', 'mount', 'uts', 'ipc', 'network'])
  t.match(planNamespaces({}, { procOfOthers: true }), { cloneFlags: 0, steps: [] })
  t.end()
})

t.test('a cgroup namespace is not: its root would be the cgroup of the runtime', (t) => {
  const plan = of(created('pid', 'cgroup'))
  t.match(plan, { cloneFlags: 0x20000000, steps: [] })
  t.ok(plan.created.has('cgroup'))
  t.end()
})

t.test('joined namespaces come in an order that works, before the fork that makes the others', (t) => {
  const namespaces = [
    { type: 'mount', path: '/ns/m' },
    { type: 'pid', path: '/ns/p' },
    { type: 'uts' },
    { type: 'user', path: '/ns/u' },
    { type: 'cgroup' },
    { type: 'network', path: '/ns/n' },
  ] as const
  const plan = of(namespaces)
  t.equal(plan.cloneFlags, 0)
  t.strictSame(plan.steps, [
    {
      op: 'joinNamespaces',
      paths: ['/ns/u', '/ns/n', '/ns/p', '/ns/m'],
      types: [0x10000000, 0x40000000, 0x20000000, 0x20000],
    },
    { op: 'fork', flags: 0x4000000 },
  ])
  t.strictSame([...plan.joined], ['mount', 'pid', 'user', 'network'])
  t.strictSame([...plan.created], ['uts', 'cgroup'])
  t.end()
})

t.test('a new time namespace is entered by a fork, after its offsets are written', (t) => {
  const timeOffsets = { monotonic: { secs: -5, nanosecs: 7 }, boottime: { secs: 100 } }
  const plan = of(created('time', 'pid'), { timeOffsets })
  t.equal(plan.cloneFlags, 0)
  t.strictSame(plan.steps, [
    { op: 'unshareTime', offsets: 'monotonic -5 7\nboottime 100 0\n' },
    { op: 'fork', flags: 0x20000000 },
  ])
  t.strictSame(of(created('time')).steps, [
    { op: 'unshareTime', offsets: '' },
    { op: 'fork', flags: 0 },
  ])
  t.end()
})

t.test('into a pid namespace of others init forks last, where it can have its own proc mounted from outside', (t) => {
  const namespaces = [{ type: 'pid', path: '/ns/p' }, { type: 'mount' }] as const
  const proc = { mounts: [{ destination: '/proc', type: 'proc' }] }
  const last = { forksLast: true, cloneFlags: 0x20000, steps: [{ op: 'joinNamespaces' }] }
  const first = { forksLast: false, cloneFlags: 0, steps: [{ op: 'joinNamespaces' }, { op: 'fork', flags: 0x20000 }] }
  t.match(planNamespaces({ linux: { namespaces }, ...proc }, { procOfOthers: true }), last)
  t.match(planNamespaces({ linux: { namespaces }, ...proc }, { procOfOthers: false }), first)
  t.match(planNamespaces({ linux: { namespaces } }, { procOfOthers: false }), last)
  const inUserNamespace = [...namespaces, { type: 'user', path: '/ns/u' }] as const
  t.match(planNamespaces({ linux: { namespaces: inUserNamespace } }, { procOfOthers: true }), { forksLast: false })
  t.end()
})
