import t from 'tap'
import { everything } from '#dist/plan/identity.js'
import { annotationProperties, parseVariant } from '#dist/plan/gvariant.js'
import { limitsOf } from '#dist/plan/resources/limits.js'
import { renderProperties } from '#dist/plan/resources/render.js'
import type { UnitProperty } from '#dist/plan/resources/types.js'
import { unifiedLimits } from '#dist/plan/resources/unified.js'
import { legacyDeviceProperties } from '#dist/plan/resources/v1.js'
import { deviceProperties } from '#dist/plan/systemd-devices.js'
import { planScope, planSystemdCgroup, sliceDirectory, unitOf } from '#dist/plan/systemd.js'
import type { Resources } from 'tsrun'
import type { HostFacts } from '#dist/plan/types.js'

const facts = (fields: Partial<HostFacts> = {}): HostFacts => ({
  ...{ euid: 0, egid: 0, inUserNamespace: false, procOfOthers: true, apparmor: false, selinux: false },
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

t.test('a name that systemd escapes is found at its directory', (t) => {
  for (const [name, directory] of [
    ['_x', '__x.scope'],
    ['cgroup.x', '_cgroup.x.scope'],
    ['memory', '_memory.scope'],
    ['memory.x', 'memory.x.scope'],
    ['x', 'x.scope'],
  ] as const) {
    const { unified = '' } = planSystemdCgroup(path(`::${name}`), 'id', facts())
    t.equal(unified, `/sys/fs/cgroup/system.slice/${directory}`)
    t.equal(unitOf(unified), `${name}.scope`)
  }
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

const unified = { v1: {} }
const legacy = { v1: { 'cpu,cpuacct': '/c/cpu', memory: '/c/memory', blkio: '/c/blkio', pids: '/c/pids' } }

/** Properties of a new scope; `version`: of systemd. */
function properties(
  resources: Resources,
  places: { v1: Record<string, string> } = unified,
  version = 252,
): UnitProperty[] {
  const limits = [...limitsOf(resources), ...unifiedLimits(resources)]
  return renderProperties(limits, limits, places, { version, change: false })
}

t.test('limits that systemd knows become properties', (t) => {
  const resources = {
    memory: { limit: 1048576, swap: -1 },
    pids: { limit: 5 },
    cpu: { quota: 33333, period: 100000, cpus: '0-2,9' },
    unified: { 'memory.oom.group': '1', 'io.weight': 'default 50', 'io.max': '8:0 rbps=70', 'memory.high': '64M' },
  }
  t.same(properties(resources), [
    ['AllowedCPUs', 'ay', new Uint8Array([7, 2])],
    ['CPUQuotaPerSecUSec', 't', 340000n],
    ['CPUQuotaPeriodUSec', 't', 100000n],
    ['MemorySwapMax', 't', 0xffffffffffffffffn],
    ['MemoryMax', 't', 1048576n],
    ['MemoryHigh', 't', 67108864n],
    ['TasksMax', 't', 5n],
    ['IOWeight', 't', 50n],
  ])
  t.end()
})

t.test('systemd takes no 0 for the number of processes', (t) => {
  t.same(properties({ pids: { limit: 0 } }), [['TasksMax', 't', 1n]])
  t.same(properties({ unified: { 'pids.max': '0' } }), [['TasksMax', 't', 1n]])
  t.end()
})

t.test('a list of CPUs that only the kernel can judge is no property', (t) => {
  for (const cpus of ['0-100000000', '0-3:1/2', 'all', '3-', '', '8192'])
    t.same(properties({ cpu: { cpus } }), [], cpus)
  t.same(properties({ cpu: { mems: ' 1, 3 ' } }), [['AllowedMemoryNodes', 'ay', new Uint8Array([10])]])
  t.end()
})

t.test('those of cgroup v1 too, a limit of CPU time from both of its files', (t) => {
  t.same(properties({ memory: { limit: 1048576 }, cpu: { shares: 512 }, blockIO: { weight: 500 } }, legacy), [
    ['CPUShares', 't', 512n],
    ['MemoryLimit', 't', 1048576n],
    ['BlockIOWeight', 't', 500n],
  ])
  const lowest = [
    ['CPUShares', 't', 2n],
    ['BlockIOWeight', 't', 10n],
  ]
  t.same(properties({ cpu: { shares: 1 }, blockIO: { weight: 5 } }, legacy), lowest, 'systemd refuses less')
  const bandwidth = (quota: bigint, period: bigint) => [
    ['CPUQuotaPerSecUSec', 't', quota],
    ['CPUQuotaPeriodUSec', 't', period],
  ]
  t.same(properties({ cpu: { period: 50000, quota: 25000 } }, legacy), bandwidth(500000n, 50000n))
  t.same(properties({ cpu: { quota: 33333 } }, legacy), bandwidth(340000n, 100000n))
  t.same(properties({ cpu: { period: 50000 } }, legacy), bandwidth(0xffffffffffffffffn, 50000n))
  t.same(properties({ cpu: { quota: -1 } }, legacy), bandwidth(0xffffffffffffffffn, 100000n))
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
  t.same(properties({ blockIO: { weight: 500 } }), [['IOWeight', 't', 4950n]])
  t.same(properties({ blockIO: { weightDevice: [{ major: 8, minor: 0, weight: 500 }] } }), [])
  t.end()
})

t.test('an idle group is a weight, and so is one with a nice value', (t) => {
  const weight = (value: bigint) => [['CPUWeight', 't', value]]
  t.same(properties({ cpu: { idle: 1 } }), weight(0n))
  t.same(properties({ cpu: { idle: 1, shares: 50 } }), weight(0n))
  t.same(properties({ cpu: { idle: 0 } }), weight(0xffffffffffffffffn))
  t.same(properties({ cpu: { idle: 0, shares: 1024 } }), weight(100n))
  t.same(properties({ cpu: { idle: 1 } }, legacy), [], 'not with cgroup v1')
  t.same(properties({ cpu: { idle: 1 } }, unified, 251), [], 'nor with an older systemd')
  for (const [nice, value] of [
    ['0', 100n],
    ['5', 33n],
    ['19', 1n],
    ['-20', 8674n],
  ] as const) {
    t.same(properties({ unified: { 'cpu.weight.nice': nice } }), weight(value), nice)
  }
  t.end()
})

t.test('memory.oom.group is a policy of the scope, which cannot be changed', (t) => {
  const policy = (value: string) => properties({ unified: { 'memory.oom.group': value } }, unified, 253)
  t.same(policy('1'), [['OOMPolicy', 's', 'kill']])
  t.same(policy('0'), [['OOMPolicy', 's', 'continue']])
  t.same(properties({ unified: { 'memory.oom.group': '1' } }), [])
  const limits = unifiedLimits({ unified: { 'memory.oom.group': '1' } })
  t.same(renderProperties(limits, limits, unified, { version: 253, change: true }), [])
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
