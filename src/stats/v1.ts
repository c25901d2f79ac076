/** Statistics from the hierarchies of cgroup v1; with cgroup v1 this file goes. */
import {
  type Files,
  type GaugeSource,
  multiply,
  numberAfter,
  parseCount,
  parseList,
  plainNumber,
  present,
  sumOf,
} from './files.js'
import type { BlkioEntry, BlkioStats, Count, CpusetStats, CpuStats, MemoryEntry, MemoryStats } from './types.js'
import { noMemory, sorted } from './v2.js'

/** USER_HZ of every Linux port that tsrun knows: cpuacct.stat counts in these, runc prints nanoseconds. */
const nanosecondsPerTick = 1e9 / 100

/** Of the controllers cpu (throttling) and cpuacct (time). */
export function cpuV1(cpu: Files | undefined, cpuacct: Files | undefined): CpuStats {
  const stat = cpu?.keyed('cpu.stat') ?? {}
  const ticks = cpuacct?.keyed('cpuacct.stat') ?? {}
  const rows = (cpuacct?.text('cpuacct.usage_all') ?? '').split('\n').slice(1).filter(Boolean)
  const column = (at: number): Count[] => rows.map((row) => parseCount(row.split(' ')[at] ?? ''))
  const percpu = (cpuacct?.text('cpuacct.usage_percpu') ?? '').trim().split(/\s+/).filter(Boolean).map(parseCount)
  return {
    usage: {
      ...present({
        total: cpuacct?.count('cpuacct.usage'),
        percpu,
        percpu_kernel: column(2),
        percpu_user: column(1),
      }),
      kernel: multiply(ticks.system, nanosecondsPerTick) ?? 0,
      user: multiply(ticks.user, nanosecondsPerTick) ?? 0,
    },
    throttling: present({
      periods: stat.nr_periods,
      throttledPeriods: stat.nr_throttled,
      throttledTime: stat.throttled_time,
    }),
  }
}

/** Of the controller cpuset; cgroup v2 has nothing of it here, so that everything is 0. */
export function cpusetV1(files: Files | undefined): CpusetStats {
  const flag = (name: string): Count => files?.count(`cpuset.${name}`) ?? 0
  const list = (name: string): number[] => parseList(files?.text(`cpuset.${name}`) ?? '')
  return {
    ...present({ cpus: list('cpus') }),
    cpu_exclusive: flag('cpu_exclusive'),
    ...present({ mems: list('mems') }),
    mem_hardwall: flag('mem_hardwall'),
    mem_exclusive: flag('mem_exclusive'),
    memory_migrate: flag('memory_migrate'),
    memory_spread_page: flag('memory_spread_page'),
    memory_spread_slab: flag('memory_spread_slab'),
    memory_pressure: flag('memory_pressure'),
    sched_load_balance: flag('sched_load_balance'),
    // The only one that may be negative.
    sched_relax_domain_level: Number(files?.text('cpuset.sched_relax_domain_level') ?? 0),
  }
}

/** Of the controller memory. */
export function memoryV1(files: Files): MemoryStats {
  const raw = files.keyed('memory.stat')
  const entry = (name: string): MemoryEntry => {
    const usage = files.count(`${name}.usage_in_bytes`)
    if (usage === undefined) return noMemory
    return {
      limit: files.count(`${name}.limit_in_bytes`) ?? 0,
      ...present({ usage, max: files.count(`${name}.max_usage_in_bytes`) }),
      failcnt: files.count(`${name}.failcnt`) ?? 0,
    }
  }
  return {
    ...present({ cache: raw.cache }),
    usage: entry('memory'),
    swap: entry('memory.memsw'),
    kernel: entry('memory.kmem'),
    kernelTCP: entry('memory.kmem.tcp'),
    ...(Object.keys(raw).length > 0 ? { raw: sorted(raw) } : {}),
  }
}

type BlkioTable = Exclude<keyof BlkioStats, 'psi'>

const bfq: readonly (readonly [table: BlkioTable, file: string])[] = [
  ['ioServicedRecursive', 'io_serviced_recursive'],
  ['ioServiceBytesRecursive', 'io_service_bytes_recursive'],
]

const bfqDebug: typeof bfq = [
  ['sectorsRecursive', 'sectors_recursive'],
  ['ioServiceTimeRecursive', 'io_service_time_recursive'],
  ['ioWaitTimeRecursive', 'io_wait_time_recursive'],
  ['ioMergedRecursive', 'io_merged_recursive'],
  ['ioQueueRecursive', 'io_queued_recursive'],
  ['ioTimeRecursive', 'time_recursive'],
  ...bfq,
]

/** The sets of files in runc's order: the first one counts whose first file has numbers. */
const blkioSets: readonly (readonly [prefix: string, files: typeof bfq])[] = [
  ['blkio.bfq', bfqDebug],
  ['blkio.bfq', bfq],
  ['blkio.throttle', bfq],
  ['blkio.throttle', bfq.map(([table, file]) => [table, file.replace('_recursive', '')] as const)],
]

/** Of the controller blkio. */
export function blkioV1(files: Files): BlkioStats {
  for (const [prefix, set] of blkioSets) {
    const tables = set.map(([table, file]) => [table, blkioEntries(files.text(`${prefix}.${file}`) ?? '')] as const)
    if (tables[0] !== undefined && tables[0][1].length > 0) return present<BlkioStats>(Object.fromEntries(tables))
  }
  return {}
}

/** `8:0 Read 4096`, `8:0 12`, and a line `Total 4096` that is no device's. */
function blkioEntries(text: string): BlkioEntry[] {
  return text.split('\n').flatMap((line) => {
    const [, major, minor, op = '', value = ''] = /^(\d+):(\d+)(?: (\w+))? (\d+)$/.exec(line) ?? []
    if (major === undefined) return []
    return [present<BlkioEntry>({ major: Number(major), minor: Number(minor), op, value: parseCount(value) })]
  })
}

/** No limit of cgroup v1 is the largest number of pages. */
const noLimit = 2 ** 62

/** Where cgroup v1 has the gauges. */
export const gaugesV1: readonly GaugeSource<'cpu' | 'memory' | 'limit' | 'oom' | 'pids' | 'io'>[] = [
  { gauge: 'cpu', controller: 'cpuacct', file: 'cpuacct.usage', parse: (text) => Number(text) / 1000 },
  { gauge: 'memory', controller: 'memory', file: 'memory.usage_in_bytes', parse: plainNumber },
  {
    ...{ gauge: 'limit', controller: 'memory', file: 'memory.limit_in_bytes' },
    parse: (text) => (Number(text) > noLimit ? Infinity : Number(text)),
  },
  { gauge: 'oom', controller: 'memory', file: 'memory.oom_control', parse: numberAfter('oom_kill') },
  { gauge: 'pids', controller: 'pids', file: 'pids.current', parse: plainNumber },
  {
    ...{ gauge: 'io', controller: 'blkio', file: 'blkio.throttle.io_service_bytes_recursive' },
    parse: sumOf(/^\d+:\d+ (?:Read|Write) (\d+)$/gm),
  },
]
