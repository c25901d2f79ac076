import type { Resources } from 'tsrun'
import t from 'tap'
import { changeLimits, limitsOf } from '#dist/plan/resources/limits.js'
import { planLimits } from '#dist/plan/resources/plan.js'
import { renderWrites } from '#dist/plan/resources/render.js'
import { restoringWrite } from '#dist/plan/resources/restore.js'
import { olderLimits, savedLimits } from '#dist/plan/resources/saved.js'
import { unifiedLimits } from '#dist/plan/resources/unified.js'

const host = { mode: 'v2', unified: '/c', v1: {}, own: {}, controllers: ['cpu', 'memory', 'pids'] } as const

/** What an update writes. */
function change(old: Resources, given: Resources): string[] {
  const { limits } = planLimits(given, host, limitsOf(old))
  return renderWrites(limits, changeLimits(limitsOf(old), limits), host).map(({ file, value }) => `${file}=${value}`)
}

/** All limits after it, by their names. */
const merged = (old: Resources, given: Resources): Record<string, unknown> => {
  const limits = (resources: Resources) => [...limitsOf(resources), ...unifiedLimits(resources)]
  const all = changeLimits(limits(old), limits(given))
  return Object.fromEntries(
    all.map((one) => [[one.controller, one.limit, one.key].filter(Boolean).join(' '), one.value]),
  )
}

t.test('quota and period change each by itself', (t) => {
  const old = { cpu: { quota: 5000, period: 50000, shares: 9 } }
  t.strictSame(change(old, { cpu: { quota: 7000 } }), ['cpu.max=7000 50000'])
  t.strictSame(change(old, { cpu: { period: 7000 } }), ['cpu.max=5000 7000'])
  t.strictSame(change(old, { cpu: { period: 7000, quota: 0 } }), ['cpu.max=5000 7000'])
  t.strictSame(change({}, { cpu: { quota: 7000 } }), ['cpu.max=7000 100000'])
  t.strictSame(change(old, { cpu: { shares: 2 } }), ['cpu.weight=1'])
  t.end()
})

t.test('what is not given stays as it was', (t) => {
  const old = { cpu: { quota: 5000, shares: 9 }, memory: { limit: 100, swap: 200 }, pids: { limit: 3 } }
  const given = { cpu: { shares: 10 }, memory: { reservation: 5 } }
  t.strictSame(change(old, given), ['cpu.weight=4', 'memory.low=5'])
  t.strictSame(merged(old, given), {
    ...{ 'cpu quota': 5000, 'cpu shares': 10, 'memory limit': 100, 'memory swap': 200 },
    ...{ 'memory reservation': 5, 'pids limit': 3 },
  })
  t.end()
})

t.test('swap is counted from the limit that there is', (t) => {
  t.strictSame(change({ memory: { limit: 100 } }, { memory: { swap: 150 } }), ['memory.swap.max=50'])
  t.throws(() => change({ memory: { limit: 100 } }, { memory: { swap: 99 } }), { code: 'ERR_TSRUN_CONFIG' })
  t.end()
})

t.test('an idle group forgets its shares', (t) => {
  t.strictSame(merged({ cpu: { shares: 5, cpus: '0' } }, { cpu: { idle: 1 } }), { 'cpuset cpus': '0', 'cpu idle': 1 })
  t.end()
})

t.test('entries of lists are replaced by device, page size and name; device rules stay out', (t) => {
  const old = {
    blockIO: { weightDevice: [{ major: 8, minor: 0, weight: 10 }] },
    hugepageLimits: [{ pageSize: '2MB', limit: 1 }],
    rdma: { a: { hcaHandles: 1 } },
    unified: { 'memory.high': '1' },
  }
  const given = {
    devices: [{ allow: true }],
    blockIO: { weightDevice: [{ major: 8, minor: 16, weight: 20 }] },
    hugepageLimits: [
      { pageSize: '2MB', limit: 2 },
      { pageSize: '1GB', limit: 3 },
    ],
    rdma: { b: { hcaObjects: 2 } },
    unified: { 'memory.low': '2' },
  }
  t.strictSame(merged(old, given), {
    ...{ 'io deviceWeight 8:0': 10, 'io deviceWeight 8:16': 20 },
    ...{ 'hugetlb limit 2MB': 2, 'hugetlb limit 1GB': 3 },
    ...{ 'rdma max a': 'hca_handle=1', 'rdma max b': 'hca_object=2' },
    ...{ 'memory high': 1n, 'memory reservation': 2n },
  })
  t.end()
})

t.test('state.json keeps limits with exact integers, and those of an older tsrun are understood', (t) => {
  const limits = limitsOf({ memory: { limit: 2n ** 60n }, cpu: { cpus: '0-1' } })
  const kept = JSON.parse(JSON.stringify(savedLimits(limits))) as typeof limits
  t.strictSame(kept, [
    { controller: 'cpuset', limit: 'cpus', value: '0-1' },
    { controller: 'memory', limit: 'limit', value: '1152921504606846976' },
  ])
  t.strictSame(renderWrites(kept, kept, host), renderWrites(limits, limits, host))
  const text = '{"memory":{"limit":1152921504606846976},"unified":{"memory.high":"5"},"pids":{"limit":3}}'
  t.strictSame(olderLimits(text), [
    { controller: 'memory', limit: 'limit', value: 1152921504606846976n },
    { controller: 'pids', limit: 'limit', value: 3 },
    { controller: 'memory', limit: 'high', value: 5n },
  ])
  t.end()
})

t.test('a write is undone by what the file said before', (t) => {
  const max = 'rbps=max wbps=max riops=max wiops=max'
  const lines: Readonly<Record<string, (device: string) => string>> = {
    'io.max': (device) => `${device} ${max}`,
    'io.weight': (device) => `${device} default`,
    'blkio.throttle.read_bps_device': (device) => `${device} 0`,
  }
  const keys = /^(\d+:\d+|mlx)(?= )/
  for (const [file, value, before, expected] of [
    ['memory.max', '5', 'max\n', 'max'],
    ['cpu.max', '5 100', 'max 100000\n', 'max 100000'],
    ['cpuset.cpus', '0', '\n', ''],
    ['io.max', '8:0 rbps=5', '8:16 rbps=1 wbps=max riops=max wiops=max\n', '8:0 rbps=max wbps=max riops=max wiops=max'],
    ['io.max', '8:16 rbps=5', '8:16 rbps=1 wbps=max riops=max wiops=max\n', '8:16 rbps=1 wbps=max riops=max wiops=max'],
    ['io.weight', '50', 'default 100\n8:16 200\n', 'default 100'],
    ['io.weight', '8:16 5', 'default 100\n8:16 200\n', '8:16 200'],
    ['io.weight', '8:0 5', 'default 100\n', '8:0 default'],
    ['blkio.throttle.read_bps_device', '8:0 5', '', '8:0 0'],
    ['rdma.max', 'mlx hca_handle=1', 'mlx hca_handle=max hca_object=max\n', 'mlx hca_handle=max hca_object=max'],
    ['memory.oom_control', '1', 'oom_kill_disable 0\nunder_oom 0\noom_kill 0\n', '0'],
  ] as const) {
    const key = file === 'memory.oom_control' ? 'oom_kill_disable' : keys.exec(value)?.[0]
    const none = lines[file]?.(key ?? '')
    const line = key === undefined ? {} : { key, ...(none === undefined ? {} : { none }) }
    const write = restoringWrite({ hierarchy: 'x', file, value, ...line }, before)
    t.equal(write.hierarchy, 'x')
    t.equal(write.value, expected, `${file}=${value}`)
  }
  t.end()
})
