/** Statistics from files as cgroup v2 and v1 have them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Cgroup } from '#dist/cgroup/cgroup.js'
import { add, parseCount, parseList } from '#dist/stats/files.js'
import { readStats } from '#dist/stats/read.js'

/** Makes a directory with files. */
function directory(t: Test, files: Readonly<Record<string, string>>): string {
  const path = mkdtempSync(join(tmpdir(), 'tsrun-stats-'))
  t.teardown(() => rmSync(path, { recursive: true }))
  mkdirSync(path, { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text)
  return path
}

const pressure = (total: number): string =>
  `some avg10=1.25 avg60=0.00 avg300=0.00 total=${total}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1\n`
const psi = (total: number) => ({
  some: { avg10: 1.25, avg60: 0, avg300: 0, total },
  full: { avg10: 0, avg60: 0, avg300: 0, total: 1 },
})

const noCpuset = {
  ...{ cpu_exclusive: 0, mem_hardwall: 0, mem_exclusive: 0, memory_migrate: 0, memory_spread_page: 0 },
  ...{ memory_spread_slab: 0, memory_pressure: 0, sched_load_balance: 0, sched_relax_domain_level: 0 },
}

t.test('cgroup v2 is mapped to the members of v1', async (t) => {
  const unified = directory(t, {
    'cpu.stat': 'usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 3\nnr_throttled 2\nthrottled_usec 7\n',
    'cpu.pressure': pressure(5),
    'memory.stat': 'file 4096\nanon 8192\n',
    'memory.current': '12288\n',
    'memory.max': '1048576\n',
    'memory.peak': '16384\n',
    'memory.swap.current': '100\n',
    'memory.swap.max': 'max\n',
    'memory.pressure': pressure(6),
    'pids.current': '2\n',
    'pids.max': 'max\n',
    'io.stat': '8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n253:0 rbytes=0 wbytes=18446744073709551615\n',
    'io.pressure': pressure(7),
    'hugetlb.2MB.current': '2097152\n',
    'hugetlb.2MB.events': 'max 3\n',
  })
  const stats = readStats(new Cgroup({ unified, v1: {} }))
  t.strictSame(stats.cpu, {
    usage: { total: 30_000, kernel: 10_000, user: 20_000 },
    throttling: { periods: 3, throttledPeriods: 2, throttledTime: 7000 },
    psi: psi(5),
  })
  t.strictSame(stats.cpuset, noCpuset)
  t.strictSame(stats.memory, {
    cache: 4096,
    usage: { limit: 1048576, usage: 12288, max: 16384, failcnt: 0 },
    swap: { limit: 18446744073709551615n, usage: 12388, failcnt: 0 },
    kernel: { limit: 0, failcnt: 0 },
    kernelTCP: { limit: 0, failcnt: 0 },
    raw: { anon: 8192, file: 4096 },
    psi: psi(6),
  })
  t.strictSame(stats.pids, { current: 2 })
  t.strictSame(stats.blkio, {
    ioServiceBytesRecursive: [
      { major: 8, minor: 16, op: 'Read', value: 1 },
      { major: 8, minor: 16, op: 'Write', value: 2 },
      { major: 253, op: 'Read' },
      { major: 253, op: 'Write', value: 18446744073709551615n },
    ],
    ioServicedRecursive: [
      { major: 8, minor: 16, op: 'Read', value: 3 },
      { major: 8, minor: 16, op: 'Write', value: 4 },
    ],
    psi: psi(7),
  })
  t.strictSame([stats.intel_rdt, stats.network_interfaces], [{}, null])
})

t.test('cgroup v1 is read from each controller', async (t) => {
  const v1 = {
    cpu: directory(t, { 'cpu.stat': 'nr_periods 4\nnr_throttled 1\nthrottled_time 99\n' }),
    cpuacct: directory(t, {
      'cpuacct.usage': '500\n',
      'cpuacct.usage_percpu': '300 200 \n',
      'cpuacct.usage_all': 'cpu user system\n0 250 50\n1 200 0\n',
      'cpuacct.stat': 'user 3\nsystem 2\n',
    }),
    cpuset: directory(t, { 'cpuset.cpus': '0-1,3\n', 'cpuset.mems': '0\n', 'cpuset.sched_relax_domain_level': '-1\n' }),
    memory: directory(t, {
      'memory.stat': 'cache 4096\nrss 1\n',
      'memory.usage_in_bytes': '8192\n',
      'memory.max_usage_in_bytes': '9000\n',
      'memory.limit_in_bytes': '9223372036854771712\n',
      'memory.failcnt': '5\n',
    }),
    pids: directory(t, { 'pids.current': '3\n', 'pids.max': '10\n' }),
    blkio: directory(t, {
      'blkio.bfq.io_serviced_recursive': 'Total 0\n',
      'blkio.throttle.io_serviced_recursive': '8:0 Read 3\n8:0 Write 0\n8:0 Total 3\nTotal 3\n',
      'blkio.throttle.io_service_bytes_recursive': '8:0 Read 4096\nTotal 4096\n',
    }),
  }
  const { cpu, cpuset, memory, pids, blkio } = readStats(new Cgroup({ v1 }))
  t.strictSame(cpu, {
    usage: {
      ...{ total: 500, percpu: [300, 200], percpu_kernel: [50, 0], percpu_user: [250, 200] },
      ...{ kernel: 20_000_000, user: 30_000_000 },
    },
    throttling: { periods: 4, throttledPeriods: 1, throttledTime: 99 },
  })
  t.strictSame({ ...cpuset }, { cpus: [0, 1, 3], ...noCpuset, mems: [0], sched_relax_domain_level: -1 })
  t.strictSame(memory.usage, { limit: 9223372036854771712n, usage: 8192, max: 9000, failcnt: 5 })
  t.strictSame([memory.cache, memory.raw], [4096, { cache: 4096, rss: 1 }])
  t.strictSame(memory.swap, { limit: 0, failcnt: 0 }, 'without swap accounting')
  t.strictSame(pids, { current: 3, limit: 10 })
  t.strictSame(blkio, {
    ioServicedRecursive: [
      { major: 8, op: 'Read', value: 3 },
      { major: 8, op: 'Write' },
      { major: 8, op: 'Total', value: 3 },
    ],
    ioServiceBytesRecursive: [{ major: 8, op: 'Read', value: 4096 }],
  })
})

t.test('where nobody counts everything is 0, and processes are counted one by one', async (t) => {
  const stats = readStats(new Cgroup({ unified: directory(t, { 'cgroup.procs': '7\n9\n' }), v1: {} }))
  t.strictSame(stats.cpu, { usage: { kernel: 0, user: 0 }, throttling: {} })
  t.strictSame(stats.memory.usage, { limit: 0, failcnt: 0 })
  t.strictSame(stats.pids, { current: 2 })
  t.strictSame(stats.blkio, {})
})

t.test('numbers keep all their digits', async (t) => {
  t.equal(parseCount('9007199254740991'), 9007199254740991)
  t.equal(parseCount('9007199254740993'), 9007199254740993n)
  t.equal(parseCount('x'), 0)
  t.equal(add(1, 18446744073709551615n), 18446744073709551615n)
  t.strictSame(parseList('0-2,7\n'), [0, 1, 2, 7])
  t.strictSame(parseList('\n'), [])
  t.strictSame(parseList('0-99999999999999999999,7'), [7], 'no kernel has so many')
})
