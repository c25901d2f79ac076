import t from 'tap'
import { everything } from '#dist/plan/identity.js'
import { annotationProperties, parseVariant } from '#dist/plan/gvariant.js'
import { limitProcessesLate, planScope, planSystemdCgroup, sliceDirectory } from '#dist/plan/systemd.js'
import {
  cpuIdle,
  deviceProperties,
  legacyDeviceProperties,
  limitProperties,
  oomPolicy,
} from '#dist/plan/systemd-properties.js'
import type { HostFacts } from '#dist/plan/types.js'

const facts = (fields: Partial<HostFacts> = {}): HostFacts => ({
  ...{ euid: 0, egid: 0, inUserNamespace: false, apparmor: false, selinux: false },
  ...{ highestCapability: 40, grantableCapabilities: everything },
  cgroup: { mode: 'v2', unified: '/sys/fs/cgroup', v1: {}, own: { '': '/init.scope' } },
  ...fields,
})
const path = (cgroupsPath?: string): { linux: { cgroupsPath?: string } } => ({
  linux: cgroupsPath === undefined ? {} : { cgroupsPath },
})

t.test('cgroupsPath names slice and scope', (t) => {
  t.same(planScope(path('a-b.slice:docker:x1'), 'id', facts()), { slice: 'a-b.slice', unit: 'docker-x1.scope' })
  t.same(planScope(path('::x1'), 'id', facts()), { slice: 'system.slice', unit: 'x1.scope' })
  t.same(planScope(path(), 'id', facts()), { slice: 'system.slice', unit: 'tsrun-id.scope' })
  t.same(planScope(path(), 'id', facts({ euid: 1000 })), { slice: 'user.slice', unit: 'tsrun-id.scope' })
  for (const bad of ['/a/b', 'a:b', 'a:b:c:d', 'system:a:b', 'a/b.slice:c:d', 'a--b.slice:c:d', ':a:b c']) {
    t.throws(() => planScope(path(bad), 'id', facts()), { code: 'ERR_TSRUN_CONFIG' }, bad)
  }
  t.throws(() => planScope(path('::a.slice'), 'id', facts()), { code: 'ERR_TSRUN_UNSUPPORTED' })
  t.end()
})

t.test('a slice lies within the slices that its name begins with', (t) => {
  t.equal(sliceDirectory('-.slice'), '')
  t.equal(sliceDirectory('a-b-c.slice'), '/a.slice/a-b.slice/a-b-c.slice')
  t.end()
})

t.test('the scope is in its slice', (t) => {
  t.equal(planSystemdCgroup(path('a-b.slice::x'), 'id', facts()).unified, '/sys/fs/cgroup/a.slice/a-b.slice/x.scope')
  t.end()
})

t.test('with cgroup v1 the scope has the same place in every hierarchy', (t) => {
  const v1 = { 'cpu,cpuacct': '/c/cpu', freezer: '/c/freezer', 'name=systemd': '/c/systemd', 'name=other': '/c/other' }
  const legacy = { mode: 'v1', v1, own: {} } as const
  const at = '/system.slice/tsrun-id.scope'
  const places = { 'cpu,cpuacct': `/c/cpu${at}`, freezer: `/c/freezer${at}`, 'name=systemd': `/c/systemd${at}` }
  const hybrid = { ...legacy, mode: 'hybrid', unified: '/c/unified' } as const
  t.same(planSystemdCgroup(path(), 'id', facts({ cgroup: hybrid })), { unified: `/c/unified${at}`, v1: places })
  t.same(planSystemdCgroup(path(), 'id', facts({ cgroup: legacy })), { v1: places })

  const unsupported = { code: 'ERR_TSRUN_UNSUPPORTED' }
  const user = facts({ euid: 1000, cgroup: hybrid })
  t.throws(() => planSystemdCgroup(path(), 'id', user), unsupported, 'a user gets no controllers of v1')
  const without = { ...legacy, v1: { freezer: '/c/freezer' } }
  t.throws(() => planSystemdCgroup(path(), 'id', facts({ cgroup: without })), unsupported, 'systemd has no hierarchy')
  t.end()
})

t.test('the limit of processes comes late, in the hierarchy of pids', (t) => {
  const limit = { hierarchy: 'pids', file: 'pids.max', value: '5' }
  const resources = { controllers: [], wanted: [], writes: [limit], late: [] }
  t.match(limitProcessesLate(resources, { v1: { pids: '/p' } }), { writes: [], late: [limit] })
  const unlimited = { file: 'pids.max', value: 'max', otherwise: 'skip' }
  const none = { ...resources, writes: [] }
  t.match(limitProcessesLate(none, { v1: { pids: '/p' } }), { late: [{ ...unlimited, hierarchy: 'pids' }] })
  t.match(limitProcessesLate(none, { v1: {} }), { late: [{ ...unlimited, hierarchy: '' }] })
  t.end()
})

t.test('limits that systemd knows become properties', (t) => {
  const writes = [
    ['memory.max', '1048576'],
    ['memory.swap.max', 'max'],
    ['pids.max', '5'],
    ['cpu.max', '33333 100000'],
    ['cpuset.cpus', '0-2,9'],
    ['memory.oom.group', '1'],
    ['io.weight', 'default 50'],
    ['io.weight', '8:0 70'],
  ].map(([file = '', value = '']) => ({ hierarchy: '', file, value }))
  t.same(limitProperties(writes), [
    ['MemoryMax', 't', 1048576n],
    ['MemorySwapMax', 't', 0xffffffffffffffffn],
    ['TasksMax', 't', 5n],
    ['CPUQuotaPerSecUSec', 't', 340000n],
    ['CPUQuotaPeriodUSec', 't', 100000n],
    ['AllowedCPUs', 'ay', new Uint8Array([7, 2])],
    ['IOWeight', 't', 50n],
  ])
  t.end()
})

t.test('those of cgroup v1 too, a limit of CPU time from both of its files', (t) => {
  const properties = (...writes: [file: string, value: string][]) =>
    limitProperties(writes.map(([file, value]) => ({ hierarchy: 'cpu,cpuacct', file, value })))
  t.same(properties(['memory.limit_in_bytes', '1048576'], ['cpu.shares', '512'], ['blkio.weight', '500']), [
    ['MemoryLimit', 't', 1048576n],
    ['CPUShares', 't', 512n],
    ['BlockIOWeight', 't', 500n],
  ])
  const lowest = [
    ['CPUShares', 't', 2n],
    ['BlockIOWeight', 't', 10n],
  ]
  t.same(properties(['cpu.shares', '1'], ['blkio.weight', '5']), lowest, 'systemd refuses less')
  const bandwidth = (quota: bigint, period: bigint) => [
    ['CPUQuotaPerSecUSec', 't', quota],
    ['CPUQuotaPeriodUSec', 't', period],
  ]
  t.same(properties(['cpu.cfs_period_us', '50000'], ['cpu.cfs_quota_us', '25000']), bandwidth(500000n, 50000n))
  t.same(properties(['cpu.cfs_quota_us', '33333']), bandwidth(340000n, 100000n))
  t.same(properties(['cpu.cfs_period_us', '50000']), bandwidth(0xffffffffffffffffn, 50000n))
  t.same(properties(['cpu.cfs_quota_us', '-1']), bandwidth(0xffffffffffffffffn, 100000n))
  t.end()
})

t.test('systemd allows no less than the device rules do', (t) => {
  const all = { type: 'a', major: -1, minor: -1, access: 'rwm' } as const
  const one = { allow: true, type: 'c', major: 1, minor: 3, access: 'rw' } as const
  t.same(deviceProperties([{ allow: true, ...all }, one]), [['DevicePolicy', 's', 'auto']])
  const rules = [
    { ...one, minor: 9 },
    { allow: false, ...all },
    one,
    { ...one, major: 136, minor: -1 },
    { ...one, type: 'b' as const, major: -1, minor: -1, access: 'm' },
    { ...one, allow: false },
  ]
  t.same(deviceProperties(rules), [
    ['DevicePolicy', 's', 'strict'],
    [
      'DeviceAllow',
      'a(ss)',
      [
        ['/dev/char/1:3', 'rw'],
        ['char-136', 'rw'],
        ['block-*', 'm'],
      ],
    ],
  ])
  t.same(deviceProperties([{ ...one, major: -1, minor: 3 }]), [['DevicePolicy', 's', 'auto']])
  const twice = [
    { ...one, access: 'm' },
    { ...one, access: 'r' },
  ]
  t.same(deviceProperties(twice)[1], ['DeviceAllow', 'a(ss)', [['/dev/char/1:3', 'rm']]], 'the last would count alone')
  t.end()
})

t.test('with cgroup v1 alone systemd allows exactly what the device rules do', (t) => {
  const all = { type: 'a', major: -1, minor: -1, access: 'rwm' } as const
  const one = { allow: true, type: 'c', major: 1, minor: 3, access: 'rw' } as const
  t.same(legacyDeviceProperties([one, { allow: true, ...all }]), [['DevicePolicy', 's', 'auto']])
  t.same(legacyDeviceProperties([one, { ...one, allow: false, access: 'w' }, { ...one, type: 'a', minor: -1 }]), [
    ['DevicePolicy', 's', 'strict'],
    [
      'DeviceAllow',
      'a(ss)',
      [
        ['/dev/char/1:3', 'r'],
        ['block-1', 'rw'],
        ['char-1', 'rw'],
      ],
    ],
  ])
  const unsupported = { code: 'ERR_TSRUN_UNSUPPORTED' }
  const exception = { ...one, allow: false }
  t.throws(() => legacyDeviceProperties([{ allow: true, ...all }, exception]), unsupported, 'an exception')
  t.throws(() => legacyDeviceProperties([{ ...one, major: -1 }]), unsupported, 'one minor number of all majors')
  t.end()
})

t.test('the weight of bfq is that of its alternative', (t) => {
  const otherwise = { file: 'io.weight', value: '4950' }
  t.same(limitProperties([{ hierarchy: '', file: 'io.bfq.weight', value: '500', otherwise }]), [
    ['IOWeight', 't', 4950n],
  ])
  const device = { hierarchy: '', file: 'io.bfq.weight', value: '8:0 500' }
  t.same(limitProperties([{ ...device, otherwise: { file: 'io.weight', value: '8:0 4950' } }]), [])
  t.end()
})

t.test('an idle group is a weight', (t) => {
  const idle = (value: string, hierarchy = '') => ({ hierarchy, file: 'cpu.idle', value })
  t.same(cpuIdle.of([idle('1')]), [['CPUWeight', 't', 0n]])
  t.same(cpuIdle.of([idle('0')]), [['CPUWeight', 't', 0xffffffffffffffffn]])
  t.same(cpuIdle.of([{ ...idle('50'), file: 'cpu.weight' }, idle('0')]), [])
  t.same(cpuIdle.of([idle('1', 'cpu,cpuacct')]), [], 'not with cgroup v1')
  t.end()
})

t.test('memory.oom.group is a policy of the scope', (t) => {
  const write = (file: string, value: string) => ({ hierarchy: '', file, value })
  t.same(oomPolicy.of([write('memory.max', '1'), write('memory.oom.group', '1')]), [['OOMPolicy', 's', 'kill']])
  t.same(oomPolicy.of([write('memory.oom.group', '0')]), [['OOMPolicy', 's', 'continue']])
  t.same(oomPolicy.of([]), [])
  t.end()
})

t.test('annotations hold values in the text format of GVariant', (t) => {
  t.same(parseVariant('true'), { signature: 'b', value: true })
  t.same(parseVariant('-3'), { signature: 'i', value: -3 })
  t.same(parseVariant('uint64 5'), { signature: 't', value: 5n })
  t.same(parseVariant('uint64 18446744073709551615'), { signature: 't', value: 0xffffffffffffffffn })
  t.same(parseVariant('-0x10'), { signature: 'i', value: -16 })
  t.same(parseVariant(`'it\\'s'`), { signature: 's', value: "it's" })
  t.same(parseVariant(`["a", 'b']`), { signature: 'as', value: ['a', 'b'] })
  t.same(parseVariant('@as []'), { signature: 'as', value: [] })
  for (const bad of ['', 'yes', "'open", '[1, true]', 'uint64 x', '{}']) t.equal(parseVariant(bad), undefined, bad)
  t.same(annotationProperties({ other: '1', 'org.systemd.property.TimeoutStopSec': '1.5' }), [
    ['TimeoutStopUSec', 't', 1500000n],
  ])
  for (const key of ['ab', 'a b c', 'Name1']) {
    t.throws(() => annotationProperties({ [`org.systemd.property.${key}`]: '1' }), { code: 'ERR_TSRUN_CONFIG' })
  }
  const tooLarge = { 'org.systemd.property.TasksMax': '18446744073709551615' }
  t.throws(() => annotationProperties(tooLarge), { code: 'ERR_TSRUN_CONFIG' }, 'without a type it has 32 bits')
  t.end()
})
