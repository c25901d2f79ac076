import t from 'tap'
import { mergeResources } from '#dist/plan/resources/merge.js'
import { restoringWrite } from '#dist/plan/resources/restore.js'

t.test('quota and period change each by itself', (t) => {
  const old = { cpu: { quota: 5000, period: 50000, shares: 9 } }
  t.strictSame(mergeResources(old, { cpu: { quota: 7000 } }).change, { cpu: { quota: 7000, period: 50000 } })
  t.strictSame(mergeResources(old, { cpu: { period: 7000 } }).change, { cpu: { period: 7000, quota: 5000 } })
  t.strictSame(mergeResources(old, { cpu: { period: 7000, quota: 0 } }).change, { cpu: { period: 7000, quota: 5000 } })
  t.strictSame(mergeResources({}, { cpu: { quota: 7000 } }).change, { cpu: { quota: 7000 } })
  t.strictSame(mergeResources(old, { cpu: { shares: 2 } }).change, { cpu: { shares: 2 } })
  t.end()
})

t.test('what is not given stays as it was', (t) => {
  const old = { cpu: { quota: 5000, shares: 9 }, memory: { limit: 100, swap: 200 }, pids: { limit: 3 } }
  const { change, merged } = mergeResources(old, { cpu: { shares: 10 }, memory: { reservation: 5 } })
  t.strictSame(change, { cpu: { shares: 10 }, memory: { reservation: 5 } })
  t.strictSame(merged, {
    cpu: { quota: 5000, shares: 10 },
    memory: { limit: 100, swap: 200, reservation: 5 },
    pids: { limit: 3 },
  })
  t.end()
})

t.test('swap is counted from the limit that there is', (t) => {
  t.strictSame(mergeResources({ memory: { limit: 100 } }, { memory: { swap: 150 } }).change, {
    memory: { swap: 150, limit: 100 },
  })
  t.end()
})

t.test('an idle group forgets its shares', (t) => {
  t.strictSame(mergeResources({ cpu: { shares: 5, cpus: '0' } }, { cpu: { idle: 1 } }).merged, {
    cpu: { cpus: '0', idle: 1 },
  })
  t.end()
})

t.test('entries of lists are replaced by device, page size and name; device rules stay out', (t) => {
  const old = {
    blockIO: { weightDevice: [{ major: 8, minor: 0, weight: 10 }] },
    hugepageLimits: [{ pageSize: '2MB', limit: 1 }],
    rdma: { a: { hcaHandles: 1 } },
    unified: { 'memory.high': '1' },
  }
  const { merged, change } = mergeResources(old, {
    devices: [{ allow: true }],
    blockIO: { weightDevice: [{ major: 8, minor: 16, weight: 20 }] },
    hugepageLimits: [
      { pageSize: '2MB', limit: 2 },
      { pageSize: '1GB', limit: 3 },
    ],
    rdma: { b: { hcaObjects: 2 } },
    unified: { 'memory.low': '2' },
  })
  t.notOk('devices' in change)
  t.strictSame(merged, {
    blockIO: {
      weightDevice: [
        { major: 8, minor: 0, weight: 10 },
        { major: 8, minor: 16, weight: 20 },
      ],
    },
    hugepageLimits: [
      { pageSize: '2MB', limit: 2 },
      { pageSize: '1GB', limit: 3 },
    ],
    rdma: { a: { hcaHandles: 1 }, b: { hcaObjects: 2 } },
    unified: { 'memory.low': '2' },
  })
  t.end()
})

t.test('a write is undone by what the file said before', (t) => {
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
    const write = restoringWrite({ hierarchy: 'x', file, value }, before)
    t.equal(write.hierarchy, 'x')
    t.equal(write.value, expected, `${file}=${value}`)
  }
  t.end()
})
