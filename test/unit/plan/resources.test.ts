import type { Resources } from 'tsrun'
import t from 'tap'
import { limit } from '#dist/plan/resources/limits.js'
import { planLimits, planResources } from '#dist/plan/resources/plan.js'
import { renderWrites } from '#dist/plan/resources/render.js'
import { firstLimits, lateLimits } from '#dist/plan/resources/timing.js'
import { weightForShares } from '#dist/plan/resources/v2.js'
import { failure, hybrid, legacy, unified, writes } from './resources/support.js'

const device = { major: 8, minor: 16 }

/** Limits, what cgroup v2 gets of them, what v1 gets. */
const table: readonly (readonly [Resources, readonly string[], readonly string[]])[] = [
  [{ memory: { limit: 1024 } }, ['memory.max=1024'], ['memory.limit_in_bytes=1024~']],
  [
    { memory: { limit: 1000, swap: 1500 } },
    ['memory.swap.max=500', 'memory.max=1000'],
    ['memory.limit_in_bytes=1000~', 'memory.memsw.limit_in_bytes=1500'],
  ],
  [
    { memory: { limit: 1000, swap: 1000 } },
    ['memory.swap.max=0 [-]', 'memory.max=1000'],
    ['memory.limit_in_bytes=1000~', 'memory.memsw.limit_in_bytes=1000'],
  ],
  [
    { memory: { limit: -1 } },
    ['memory.swap.max=max [-]', 'memory.max=max'],
    ['memory.limit_in_bytes=-1~', 'memory.memsw.limit_in_bytes=-1 [-]'],
  ],
  [{ memory: { swap: -1 } }, ['memory.swap.max=max [-]'], ['memory.memsw.limit_in_bytes=-1']],
  [{ memory: { limit: 0, swap: 0, reservation: 0, kernel: 0 } }, [], []],
  [{ memory: { reservation: 5 } }, ['memory.low=5'], ['memory.soft_limit_in_bytes=5']],
  [{ memory: { kernel: 5, useHierarchy: true } }, [], []],
  [{ cpu: { shares: 1024 } }, ['cpu.weight=100~'], ['cpu.shares=1024~']],
  [{ cpu: { shares: 2 } }, ['cpu.weight=1~'], ['cpu.shares=2~']],
  [{ cpu: { shares: 0, quota: 0, period: 0, cpus: '', mems: '' } }, [], []],
  [{ cpu: { quota: 5000 } }, ['cpu.max=5000 100000'], ['cpu.cfs_quota_us=5000']],
  [{ cpu: { period: 5000 } }, ['cpu.max=max 5000'], ['cpu.cfs_period_us=5000~']],
  [{ cpu: { quota: -1, period: 50000 } }, ['cpu.max=max 50000'], ['cpu.cfs_period_us=50000~', 'cpu.cfs_quota_us=-1']],
  [
    { cpu: { quota: 5000, period: 50000, burst: 1000 } },
    ['cpu.max.burst=1000~', 'cpu.max=5000 50000'],
    ['cpu.cfs_burst_us=1000~', 'cpu.cfs_period_us=50000~', 'cpu.cfs_quota_us=5000'],
  ],
  [{ cpu: { idle: 1, shares: 500 } }, ['cpu.weight=58~', 'cpu.idle=1'], ['cpu.shares=500~', 'cpu.idle=1']],
  [{ cpu: { idle: 0 } }, ['cpu.idle=0'], ['cpu.idle=0']],
  [{ cpu: { cpus: '0-1', mems: '0' } }, ['cpuset.cpus=0-1', 'cpuset.mems=0'], ['cpuset.cpus=0-1', 'cpuset.mems=0']],
  [{ pids: { limit: 7 } }, ['pids.max=7'], ['pids.max=7']],
  [{ pids: { limit: -1 } }, ['pids.max=max'], ['pids.max=max']],
  [{ pids: { limit: 0 } }, ['late pids.max=0'], ['late pids.max=0']],
  [{ pids: { limit: 1 } }, ['late pids.max=1'], ['late pids.max=1']],
  [{ pids: {} }, [], []],
  [{ blockIO: { weight: 10 } }, ['io.bfq.weight=10 [io.weight=1]'], ['blkio.weight=10 [blkio.bfq.weight=10]']],
  // 50.5 and 90.9 times as much as the least: rounded down.
  [{ blockIO: { weight: 15 } }, ['io.bfq.weight=15 [io.weight=51]'], ['blkio.weight=15 [blkio.bfq.weight=15]']],
  [{ blockIO: { weight: 19 } }, ['io.bfq.weight=19 [io.weight=91]'], ['blkio.weight=19 [blkio.bfq.weight=19]']],
  [
    { blockIO: { weight: 1000 } },
    ['io.bfq.weight=1000 [io.weight=10000]'],
    ['blkio.weight=1000 [blkio.bfq.weight=1000]'],
  ],
  [
    { blockIO: { weightDevice: [{ ...device, weight: 500 }] } },
    ['io.bfq.weight=8:16 500 [io.weight=8:16 4950]'],
    ['blkio.weight_device=8:16 500 [blkio.bfq.weight_device=8:16 500]'],
  ],
  [
    {
      blockIO: {
        throttleReadBpsDevice: [{ ...device, rate: 1 }],
        throttleWriteBpsDevice: [{ ...device, rate: 2 }],
        throttleReadIOPSDevice: [{ ...device, rate: 3 }],
        throttleWriteIOPSDevice: [{ ...device, rate: 0 }, device],
      },
    },
    ['io.max=8:16 rbps=1', 'io.max=8:16 wbps=2', 'io.max=8:16 riops=3', 'io.max=8:16 wiops=max'],
    [
      'blkio.throttle.read_bps_device=8:16 1',
      'blkio.throttle.write_bps_device=8:16 2',
      'blkio.throttle.read_iops_device=8:16 3',
      'blkio.throttle.write_iops_device=8:16 0',
    ],
  ],
  [
    { hugepageLimits: [{ pageSize: '2MB', limit: 18446744073709551615n }] },
    ['hugetlb.2MB.max=18446744073709551615', 'hugetlb.2MB.rsvd.max=18446744073709551615 [-]'],
    ['hugetlb.2MB.limit_in_bytes=18446744073709551615', 'hugetlb.2MB.rsvd.limit_in_bytes=18446744073709551615 [-]'],
  ],
  [
    { rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 10000 }, none: {}, mlx4_0: { hcaObjects: 1 } } },
    ['rdma.max=mlx5_1 hca_handle=3 hca_object=10000', 'rdma.max=mlx4_0 hca_object=1'],
    ['rdma.max=mlx5_1 hca_handle=3 hca_object=10000', 'rdma.max=mlx4_0 hca_object=1'],
  ],
]

t.test('each limit has its file in cgroup v2 and in v1', (t) => {
  for (const [resources, expected, expectedLegacy] of table) {
    const title = JSON.stringify(resources, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
    t.strictSame(writes(resources, unified), expected, `v2 ${title}`)
    t.strictSame(writes(resources, legacy), expectedLegacy, `v1 ${title}`)
  }
  t.end()
})

t.test('what only v1 has', (t) => {
  const network = { classID: 1048577, priorities: [{ name: 'eth0', priority: 500 }] }
  t.strictSame(writes({ network }, legacy), ['net_cls.classid=1048577', 'net_prio.ifpriomap=eth0 500'])
  t.strictSame(writes({ cpu: { realtimePeriod: 9, realtimeRuntime: 5 } }, legacy), [
    'cpu.rt_period_us=9~',
    'cpu.rt_runtime_us=5',
  ])
  t.strictSame(writes({ memory: { swappiness: 0, disableOOMKiller: true, kernelTCP: 7 } }, legacy), [
    'memory.kmem.tcp.limit_in_bytes=7',
    'memory.oom_control=1',
    'memory.swappiness=0',
  ])
  t.strictSame(writes({ blockIO: { leafWeight: 20 } }, legacy), ['blkio.leaf_weight=20 [blkio.bfq.leaf_weight=20]'])
  const refused: Resources[] = [
    { cpu: { realtimePeriod: 9 } },
    { memory: { swappiness: 0 } },
    { memory: { disableOOMKiller: true } },
    { memory: { kernelTCP: 7 } },
    { blockIO: { leafWeight: 20 } },
    { blockIO: { weightDevice: [{ ...device, leafWeight: 20 }] } },
  ]
  for (const resources of refused) {
    t.match(failure(resources, unified), /^ERR_TSRUN_UNSUPPORTED: linux\.resources\..* does not exist on cgroup v2: /)
  }
  t.end()
})

t.test('a hybrid host has each controller in one of both versions', (t) => {
  const plan = planLimits({ memory: { limit: 5 }, hugepageLimits: [{ pageSize: '2MB', limit: 0 }] }, hybrid)
  t.strictSame(
    renderWrites(plan.limits, plan.limits, hybrid).map(({ hierarchy, file }) => `${hierarchy}/${file}`),
    ['memory/memory.limit_in_bytes', '/hugetlb.2MB.max', '/hugetlb.2MB.rsvd.max'],
  )
  t.strictSame(plan.controllers, ['hugetlb'])
  t.strictSame(plan.wanted, [], 'its unified hierarchy is for tracking')
  t.strictSame(planLimits({}, unified).wanted, unified.controllers, 'a v2 host accounts without limits too')
  t.end()
})

t.test('every controller that the host lacks is named, with where it was looked for', (t) => {
  t.equal(
    failure({ pids: { limit: 5 }, rdma: { a: { hcaHandles: 1 } }, memory: { limit: 5 } }, hybrid),
    'ERR_TSRUN_UNSUPPORTED: cgroup controllers "pids", "rdma" are not available: no cgroup v1 hierarchy of that name ' +
      'is mounted; not in /sys/fs/cgroup/unified/cgroup.controllers',
  )
  t.equal(
    failure({ network: { classID: 1 } }, unified),
    'ERR_TSRUN_UNSUPPORTED: cgroup controller "net_cls" is not available: not in /sys/fs/cgroup/cgroup.controllers; ' +
      'net_cls and net_prio exist only in cgroup v1',
  )
  t.match(failure({ pids: { limit: 5 } }, { mode: 'none', v1: {}, own: {} }), /controller "pids" is not available/)
  t.end()
})

t.test('limits that contradict each other are refused', (t) => {
  const swap = 'ERR_TSRUN_CONFIG: /linux/resources/memory/swap: '
  t.equal(failure({ memory: { swap: 5 } }, unified), `${swap}unable to set swap limit without memory limit`)
  t.equal(failure({ memory: { swap: 5, limit: -1 } }, unified), `${swap}unable to set swap limit without memory limit`)
  t.equal(failure({ memory: { swap: 5, limit: 6 } }, unified), `${swap}memory+swap limit should be >= memory limit`)
  t.end()
})

t.test('checkBeforeUpdate compares with what is used', (t) => {
  const plan = planLimits({ memory: { limit: 5, swap: 7, checkBeforeUpdate: true } }, unified)
  t.strictSame(
    renderWrites(plan.limits, plan.limits, unified, plan).map(({ usage }) => usage),
    [
      { file: 'memory.swap.current', atMost: 2 },
      { file: 'memory.current', atMost: 5 },
    ],
  )
  t.end()
})

t.test('a small limit of memory takes effect at created; until then it is less than a batch of the kernel', (t) => {
  t.strictSame(writes({ memory: { limit: 262144, swap: 300000 } }, unified), [
    ...['memory.swap.max=37856', 'memory.max=258048', 'late memory.max=262144'],
  ])
  const legacyWrites = ['memory.limit_in_bytes=258048~', 'memory.memsw.limit_in_bytes=300000']
  t.strictSame(writes({ memory: { limit: 262144, swap: 300000 } }, legacy), [
    ...[...legacyWrites, 'late memory.limit_in_bytes=262144~'],
  ])
  for (const value of ['258048', '1048576', 'max']) {
    const given = limit('memory.limit', value)
    t.strictSame([firstLimits(given), lateLimits(given)], [given, []], 'below a batch, or with room for many')
  }
  t.strictSame(lateLimits(limit('memory.high', 262144)), [])
  t.end()
})

t.test('the weight of cpu.shares is 1, 100 and 10000 where both versions have their marks', (t) => {
  for (const [shares, weight] of [
    [2, 1],
    [3, 2],
    [512, 59],
    [1024, 100],
    [2048, 174],
    [262143, 10000],
    [262144, 10000],
    [2n ** 60n, 10000],
  ] as const) {
    t.equal(weightForShares(shares), weight, String(shares))
  }
  t.end()
})

t.test('a container gets its own cgroup when it can neither see nor use another', (t) => {
  const owner = (options: string[], others: object = {}, uid = 1000): number | undefined => {
    const config = {
      root: { path: '/' },
      process: { cwd: '/', args: ['a'], user: { uid, gid: 0 } },
      mounts: [{ destination: '/sys/fs/cgroup', type: 'cgroup', options }],
      linux: { namespaces: [{ type: 'cgroup' as const }], ...others },
    }
    return planResources(config, unified).owner
  }
  t.equal(owner([]), 1000)
  t.equal(owner(['rw', 'nosuid']), 1000)
  t.equal(owner(['ro']), undefined)
  t.equal(owner(['rw', 'ro']), undefined)
  t.equal(owner([], { namespaces: [] }), undefined)
  t.equal(owner([], { namespaces: [{ type: 'cgroup', path: '/proc/1/ns/cgroup' }] }), undefined)
  t.equal(owner([], {}, 0), undefined, 'root has it already')
  const namespaces = [{ type: 'cgroup' }, { type: 'user' }]
  const uidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
  t.equal(owner([], { namespaces, uidMappings }, 0), 100000)
  t.equal(owner([], { namespaces, uidMappings }), 101000)
  t.equal(owner([], { namespaces, uidMappings }, 70000), undefined)
  t.end()
})
