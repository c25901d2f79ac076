/** Statistics from cgroup v2, mapped to the members of v1 as runc does it. */
import { add, Files, multiply, parseCount, present, unlimited } from './files.js'
import type { BlkioEntry, BlkioStats, CpuStats, MemoryEntry, MemoryStats } from './types.js'

/** cpu.stat: microseconds become nanoseconds. */
export function cpuV2(files: Files): CpuStats {
  const stat = files.keyed('cpu.stat')
  const psi = files.pressure('cpu.pressure')
  return {
    usage: {
      ...present({ total: multiply(stat.usage_usec, 1000) }),
      kernel: multiply(stat.system_usec, 1000) ?? 0,
      user: multiply(stat.user_usec, 1000) ?? 0,
    },
    throttling: present({
      periods: stat.nr_periods,
      throttledPeriods: stat.nr_throttled,
      throttledTime: multiply(stat.throttled_usec, 1000),
    }),
    ...(psi ? { psi } : {}),
  }
}

/** memory.current and its like; the numbers of swap contain those of memory. */
export function memoryV2(files: Files): MemoryStats {
  const raw = files.keyed('memory.stat')
  const memory = memoryCounts(files, 'memory')
  const swap = memoryCounts(files, 'memory.swap')
  const psi = files.pressure('memory.pressure')
  const both = {
    limit: swap.limit === unlimited ? unlimited : add(swap.limit, memory.limit),
    ...present({ usage: add(swap.usage, memory.usage) }),
    failcnt: 0,
  }
  return {
    ...present({ cache: raw.file }),
    usage: { limit: memory.limit, ...present({ usage: memory.usage, max: memory.max }), failcnt: 0 },
    swap: both,
    kernel: noMemory,
    kernelTCP: noMemory,
    ...(Object.keys(raw).length > 0 ? { raw: sorted(raw) } : {}),
    ...(psi ? { psi } : {}),
  }
}

/** Nothing is known of it. */
export const noMemory: MemoryEntry = { limit: 0, failcnt: 0 }

const memoryCounts = (files: Files, name: string) => ({
  usage: files.count(`${name}.current`) ?? 0,
  limit: files.count(`${name}.max`) ?? 0,
  max: files.count(`${name}.peak`) ?? 0,
})

/** Go writes maps in the order of their keys. */
export function sorted<T>(map: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(map).sort(([one], [other]) => (one < other ? -1 : 1)))
}

const operations: Readonly<Record<string, readonly ['ioServiceBytesRecursive' | 'ioServicedRecursive', string]>> = {
  rbytes: ['ioServiceBytesRecursive', 'Read'],
  wbytes: ['ioServiceBytesRecursive', 'Write'],
  rios: ['ioServicedRecursive', 'Read'],
  wios: ['ioServicedRecursive', 'Write'],
}

/** io.stat: `8:0 rbytes=1 wbytes=2 rios=3 …` */
export function blkioV2(files: Files): BlkioStats {
  const tables = { ioServiceBytesRecursive: [] as BlkioEntry[], ioServicedRecursive: [] as BlkioEntry[] }
  for (const line of (files.text('io.stat') ?? '').split('\n')) {
    const [device = '', ...items] = line.split(' ')
    const [major, minor] = device.split(':').map(Number)
    for (const item of items) {
      const [key = '', value = ''] = item.split('=')
      const operation = operations[key]
      if (operation === undefined) continue
      const [table, op] = operation
      tables[table].push(present<BlkioEntry>({ major, minor, op, value: parseCount(value) }))
    }
  }
  const psi = files.pressure('io.pressure')
  return { ...present<BlkioStats>(tables), ...(psi ? { psi } : {}) }
}
