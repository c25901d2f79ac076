/** config.json: linux.resources that the kernel does not take, or that contradict each other. */
import type { Resources } from 'tsrun'
import { existsSync } from 'node:fs'
import { groupOf, hierarchyOf, readGroup, unifiedMount } from '../helpers/cgroups.js'
import type { Change, TestConfig } from '../helpers/config.js'
import { cgroupsWith } from '../helpers/leaks.js'
import type { Need } from '../helpers/requires.js'
import { test } from '../helpers/test.js'

const limited =
  (resources: Resources): Change =>
  (config) => {
    config.linux.resources = resources as NonNullable<TestConfig['linux']['resources']>
    config.process.args = ['/bin/true']
  }

interface Rejected {
  readonly controller: string
  readonly resources: Resources
  /** File and value in v1 and v2; null where the kernel takes it. */
  readonly v1: readonly [file: string, value: string] | null
  readonly v2: readonly [file: string, value: string] | null
  readonly reason: string
  readonly needs?: readonly Need[]
}

const both = (file: string, value: string) => ({ v1: [file, value] as const, v2: [file, value] as const })
const invalid = 'invalid argument'

const rejected: Readonly<Record<string, Rejected>> = {
  'a quota that is too small': {
    ...{ controller: 'cpu', resources: { cpu: { quota: 1 } }, reason: invalid },
    ...{ v1: ['cpu.cfs_quota_us', '1'], v2: ['cpu.max', '1 100000'] },
  },
  'a period that is too small': {
    ...{ controller: 'cpu', resources: { cpu: { period: 5 } }, reason: invalid },
    ...{ v1: ['cpu.cfs_period_us', '5'], v2: ['cpu.max', 'max 5'] },
  },
  'a burst above the quota': {
    ...{ controller: 'cpu', resources: { cpu: { quota: 5000, burst: 9000 } }, reason: invalid },
    ...{ v1: ['cpu.cfs_quota_us', '5000'], v2: ['cpu.max', '5000 100000'] },
  },
  'more time for real-time processes than their period has': {
    ...{ controller: 'cpu', resources: { cpu: { realtimeRuntime: 2_000_000 } }, reason: invalid },
    ...{ v1: ['cpu.rt_runtime_us', '2000000'], v2: null, needs: ['real-time-groups'] },
  },
  'a CPU that is not there': {
    ...{ controller: 'cpuset', resources: { cpu: { cpus: '99999' } }, reason: 'numerical result out of range' },
    ...both('cpuset.cpus', '99999'),
  },
  'a memory node that is not there': {
    ...{ controller: 'cpuset', resources: { cpu: { mems: 'x' } }, reason: invalid },
    ...both('cpuset.mems', 'x'),
  },
  'swap below memory': {
    ...{ controller: 'memory', resources: { memory: { limit: 32 << 20, swap: 16 << 20 } }, reason: invalid },
    ...{ v1: ['memory.memsw.limit_in_bytes', '16777216'], v2: null },
  },
  'swap without memory': {
    ...{ controller: 'memory', resources: { memory: { swap: 32 << 20 } }, reason: invalid },
    ...{ v1: ['memory.memsw.limit_in_bytes', '33554432'], v2: null },
  },
  'more processes than the kernel can count': {
    ...{ controller: 'pids', resources: { pids: { limit: 1e12 } }, reason: invalid },
    ...both('pids.max', '1000000000000'),
  },
  'a block device that is not there': {
    controller: 'io',
    resources: { blockIO: { throttleReadBpsDevice: [{ major: 250, minor: 99, rate: 1000 }] } },
    ...{ v1: ['blkio.throttle.read_bps_device', '250:99 1000'], v2: ['io.max', '250:99 rbps=1000'] },
    reason: 'no such device',
  },
  'a size of huge pages that does not exist': {
    ...{ controller: 'hugetlb', resources: { hugepageLimits: [{ pageSize: '3MB', limit: 1 }] } },
    ...{ v1: ['hugetlb.3MB.limit_in_bytes', '1'], v2: ['hugetlb.3MB.max', '1'] },
    reason: 'no such file or directory',
  },
}

for (const [what, { controller, resources, reason, needs = [], ...versions }] of Object.entries(rejected)) {
  const place = hierarchyOf(controller)
  const expected = versions[place?.version === 1 ? 'v1' : 'v2']
  if (expected === null) continue
  test(
    `${what} is named with its file, its value and the reason`,
    (t, scope) => {
      // Two limits, the first of which the kernel takes: it must not stay either.
      const container = scope.container(limited({ ...resources, pids: resources.pids ?? { limit: 50 } }))
      const { status, stderr } = container.create()
      t.equal(status, 1)
      const [file, value] = expected
      t.ok(stderr.includes(`cannot set ${file} to "${value}": `), stderr)
      t.ok(stderr.includes(`${place?.mountPoint}/`), stderr)
      t.ok(stderr.includes(`/${container.id}/${file}": ${reason}`), stderr)
      t.same(cgroupsWith(container.id), [])
      t.notOk(existsSync(`${scope.root}/${container.id}`))
    },
    { needs: [`cgroup:${controller}`, 'cgroup:pids', 'tsrun', ...needs] },
  )
}

const contradictions: Readonly<Record<string, { resources: Resources; message: RegExp; needs: readonly Need[] }>> = {
  'swap without memory': {
    resources: { memory: { swap: 32 << 20 } },
    message: /\/linux\/resources\/memory\/swap: unable to set swap limit without memory limit/,
    needs: ['cgroup-v2:memory'],
  },
  'swap below memory': {
    resources: { memory: { limit: 32 << 20, swap: 16 << 20 } },
    message: /\/linux\/resources\/memory\/swap: memory\+swap limit should be >= memory limit/,
    needs: ['cgroup-v2:memory'],
  },
  'a path in unified': {
    resources: { unified: { '../memory.max': '1' } },
    message: /unified resource "\.\.\/memory\.max" must be a file name \(no slashes\)/,
    needs: ['cgroup-unified'],
  },
  'a file without a controller in unified': {
    resources: { unified: { tasks: '1' } },
    message: /unified resource "tasks" must be in the form CONTROLLER\.PARAMETER/,
    needs: ['cgroup-unified'],
  },
  'a controller in unified that nobody knows': {
    resources: { unified: { 'nothing.max': '1' } },
    message: /unified resource "nothing\.max" can't be set: controller "nothing" not available \(not in \/.*\)/,
    needs: ['cgroup-unified'],
  },
}

for (const [what, { resources, message, needs }] of Object.entries(contradictions)) {
  test(
    `${what} is refused before anything is made`,
    (t, scope) => {
      const container = scope.container(limited(resources))
      t.match(container.create(), { status: 1, stderr: message })
      t.same(cgroupsWith(container.id), [])
    },
    { needs: [...needs, 'tsrun'] },
  )
}

test(
  'all controllers that the host lacks are named at once, and where they were looked for',
  (t, scope) => {
    const container = scope.container(limited({ network: { classID: 1, priorities: [{ name: 'lo', priority: 1 }] } }))
    const { status, stderr } = container.create()
    t.equal(status, 1)
    t.match(stderr, /cgroup controllers "net_cls", "net_prio" are not available: /)
    t.ok(stderr.includes(`not in ${unifiedMount()}/cgroup.controllers`), stderr)
    if (hierarchyOf('pids')?.version === 1) t.match(stderr, /no cgroup v1 hierarchy of that name is mounted/)
    t.same(cgroupsWith(container.id), [])
  },
  { needs: ['cgroup-unified', 'no-net-controllers', 'tsrun'] },
)

test(
  'a burst without a quota, and a quota of 0, limit nothing',
  (t, scope) => {
    for (const cpu of [{ burst: 9000 }, { quota: 0, period: 0 }, { quota: -1 }]) {
      t.match(scope.container(limited({ cpu })).run(), { status: 0, stderr: '' })
    }
  },
  { needs: ['cgroup:cpu'] },
)

/** Flags of update, and what they leave in the files; undefined: refused by the kernel, and nothing is changed. */
const halves: readonly { flags: readonly string[]; v1: string | undefined; v2: string | undefined }[] = [
  { flags: ['--memory', '128m'], v1: undefined, v2: '134217728 0' },
  { flags: ['--memory-swap', '256m'], v1: '67108864 268435456', v2: '134217728 134217728' },
  { flags: ['--memory', '32m'], v1: '33554432 268435456', v2: '33554432 134217728' },
  { flags: ['--memory-swap', '-1'], v1: '33554432 9223372036854771712', v2: '33554432 max' },
  { flags: ['--memory', '64m'], v1: '67108864 9223372036854771712', v2: '67108864 max' },
  { flags: ['--memory', '-1'], v1: '9223372036854771712 9223372036854771712', v2: 'max max' },
]

test(
  'memory without swap, and swap without memory, change each by itself as far as they can',
  (t, scope) => {
    const container = scope.container(limited({ memory: { limit: 64 << 20, swap: 64 << 20 } }))
    t.match(container.create(), { status: 0, stderr: '' })
    const directory = groupOf(container.state().pid, 'memory')
    const isLegacy = hierarchyOf('memory')?.version === 1
    const files = isLegacy
      ? ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes']
      : ['memory.max', 'memory.swap.max']
    const values = (): string => files.map((file) => readGroup(directory, file)).join(' ')
    for (const { flags, v1, v2 } of halves) {
      const before = values()
      const expected = isLegacy ? v1 : v2
      const { status } = scope.runtime(['update', ...flags, container.id])
      t.equal(status, expected === undefined ? 1 : 0, flags.join(' '))
      t.equal(values(), expected ?? before, flags.join(' '))
    }
  },
  { needs: ['cgroup:memory'] },
)
