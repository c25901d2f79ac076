/** Stage 2, plan: what each limit is in cgroup v2 (kernel: cgroup-v2.rst), in the order of the writes. Pure. */
import { infinity, amountOf, bandwidth, cpuList, single } from './properties.js'
import { swapAlone, valueOf } from './limits.js'
import type { Limit, LimitId, Row, Write } from './types.js'

/** Microseconds; what the kernel starts with. */
const defaultPeriod = 100_000

/**
 * cpu.weight (1 to 10000) for cpu.shares (2 to 262144): a curve through (2, 1), (1024, 100) and
 * (262144, 10000), so that both defaults mean the same.
 */
export function weightForShares(shares: Limit['value']): number {
  const number = Number(shares)
  if (number <= 2) return 1
  if (number >= 262_144) return 10_000
  const log = Math.log2(number)
  const weight = 10 ** ((log * log + 125 * log) / 612 - 7 / 34)
  // The curve goes exactly through 100, floating point a hair's breadth beside it.
  return Math.ceil(weight - 1e-9)
}

/** From 10…1000 to 1…10000. */
const wideWeight = (weight: Limit['value']): number => 1 + Math.floor(((Number(weight) - 10) * 9999) / 990)

/** The value alone in a file. */
export const inFile =
  (file: string, more: Partial<Write> = {}): Row['files'] =>
  ({ value }) => [{ file, value: String(value), ...more }]

/** The value in the line of its key. */
export const inLine =
  (file: string, none: string, name = ''): Row['files'] =>
  ({ key = '', value }) => [{ file, value: `${key} ${name}${value}`, key, none: `${key} ${none}` }]

const ioMax = (name: string): Row => ({ files: inLine('io.max', 'rbps=max wbps=max riops=max wiops=max', `${name}=`) })

/** The bfq scheduler has weights of its own; without it io.weight counts. */
const bfqWeight = (value: string, otherwise: string): Write => ({
  ...{ file: 'io.bfq.weight', value },
  otherwise: { file: 'io.weight', value: otherwise },
})

const cpuMax: Row = {
  files(_, all) {
    const quota = valueOf(all, 'cpu.quota') ?? 'max'
    return [{ file: 'cpu.max', value: `${quota} ${valueOf(all, 'cpu.period') ?? defaultPeriod}` }]
  },
  unit: (_, all) => bandwidth(all),
}

/** A limit of memory with the file that tells what is used of it. */
function memory(file: string, value: Limit['value'], used: string): Write {
  const usage = value === 'max' ? {} : { usage: { file: used, atMost: Number(value) } }
  return { file, value: String(value), ...usage }
}

/** An idle group takes no weight: it is written again when the group is no longer idle. */
const cpuWeight = (weightOf: (value: Limit['value']) => number): Row => ({
  files: ({ value }) => [{ file: 'cpu.weight', value: String(weightOf(value)), retry: true }],
  unit: ({ value }) => [['CPUWeight', 't', BigInt(weightOf(value))]],
})

/** Each in its place among the writes. What cgroup v2 does not have is in `notInV2`. */
export const unifiedRows = {
  // First: on a host with several nodes it decides where everything else happens.
  'cpuset.cpus': { files: inFile('cpuset.cpus'), unit: cpuList('AllowedCPUs') },
  'cpuset.mems': { files: inFile('cpuset.mems'), unit: cpuList('AllowedMemoryNodes') },
  'cpu.shares': cpuWeight(weightForShares),
  'cpu.weight': cpuWeight(Number),
  'cpu.nice': {
    files: inFile('cpu.weight.nice', { retry: true }),
    // As in sched_prio_to_weight (kernel/sched/core.c) each step is a quarter.
    unit: ({ value }) => [['CPUWeight', 't', BigInt(Math.max(1, Math.round(100 / 1.25 ** Number(value))))]],
  },
  'cpu.idle': {
    files: inFile('cpu.idle'),
    since: 252,
    // For systemd it is a weight; without one it writes 0.
    unit({ value }, all) {
      if (Number(value) === 1) return [['CPUWeight', 't', 0n]]
      const weights = ['cpu.shares', 'cpu.weight', 'cpu.nice'] as const
      return weights.some((id) => valueOf(all, id) !== undefined) ? [] : [['CPUWeight', 't', infinity]]
    },
  },
  // At no moment may the burst be above the quota.
  'cpu.burst': { files: inFile('cpu.max.burst', { retry: true }) },
  'cpu.period': cpuMax,
  'cpu.quota': cpuMax,
  'memory.swap': {
    files(_, all) {
      const alone = swapAlone(all)
      // A kernel without swap accounting has no such file, and nothing to forbid or allow.
      const none = alone === 'max' || alone === 0n ? ({ otherwise: 'skip' } as const) : {}
      return [{ ...memory('memory.swap.max', alone, 'memory.swap.current'), ...none }]
    },
    unit: (_, all) => [['MemorySwapMax', 't', amountOf(swapAlone(all))]],
  },
  'memory.swapMax': { files: inFile('memory.swap.max'), unit: single('MemorySwapMax') },
  'memory.limit': { files: ({ value }) => [memory('memory.max', value, 'memory.current')], unit: single('MemoryMax') },
  'memory.reservation': { files: inFile('memory.low'), unit: single('MemoryLow') },
  'memory.high': { files: inFile('memory.high'), unit: single('MemoryHigh') },
  'memory.min': { files: inFile('memory.min'), unit: single('MemoryMin') },
  'memory.oomGroup': {
    files: inFile('memory.oom.group'),
    since: 253,
    fixed: true,
    unit: ({ value }) => [['OOMPolicy', 's', Number(value) === 1 ? 'kill' : 'continue']],
  },
  'pids.limit': {
    files: inFile('pids.max'),
    // systemd takes no 0: the file has it all the same.
    unit: ({ value }) => [['TasksMax', 't', Number(value) === 0 ? 1n : amountOf(value)]],
  },
  'io.weight': {
    files: ({ value }) => [bfqWeight(String(value), String(wideWeight(value)))],
    // It is this weight that systemd takes, and makes that of bfq of it.
    unit: ({ value }) => [['IOWeight', 't', BigInt(wideWeight(value))]],
  },
  'io.weightOfAll': { files: inFile('io.weight'), unit: single('IOWeight') },
  'io.deviceWeight': {
    files({ key = '', value }) {
      const line = { key, none: `${key} default` }
      const otherwise = { file: 'io.weight', value: `${key} ${wideWeight(value)}`, ...line }
      return [{ file: 'io.bfq.weight', value: `${key} ${value}`, ...line, otherwise }]
    },
  },
  'io.readBps': ioMax('rbps'),
  'io.writeBps': ioMax('wbps'),
  'io.readIOPS': ioMax('riops'),
  'io.writeIOPS': ioMax('wiops'),
  'hugetlb.limit': {
    // Reservations since Linux 5.7.
    files: ({ key, value }) => [
      { file: `hugetlb.${key}.max`, value: String(value) },
      { file: `hugetlb.${key}.rsvd.max`, value: String(value), otherwise: 'skip' },
    ],
  },
  'rdma.max': { files: inLine('rdma.max', 'hca_handle=max hca_object=max') },
  'unified.file': {
    files: ({ key = '', value }) =>
      String(value)
        .split('\n')
        .map((line) => ({ file: key, value: line.trim(), ...deviceLine(key, line) })),
  },
} satisfies Partial<Record<LimitId, Row>>

/** Files whose lines begin with a device number keep the others. */
function deviceLine(file: string, line: string): Pick<Write, 'key' | 'none'> {
  const device = /^\d+:\d+(?= )/.exec(line.trim())?.[0]
  if (device === undefined) return {}
  const none = file === 'io.max' ? 'rbps=max wbps=max riops=max wiops=max' : file.endsWith('weight') ? 'default' : '0'
  return { key: device, none: `${device} ${none}` }
}

/** What only cgroup v1 has: where it is in `linux.resources` (`*`: in some entry), and what is there instead. */
export const notInV2: Partial<Record<LimitId, readonly [path: string, instead: string]>> = {
  'cpu.realtimePeriod': ['cpu.realtimePeriod', 'its cpu controller does not know real-time processes'],
  'cpu.realtimeRuntime': ['cpu.realtimeRuntime', 'its cpu controller does not know real-time processes'],
  'memory.kernelTCP': ['memory.kernelTCP', 'memory.limit counts it'],
  'memory.swappiness': ['memory.swappiness', 'it is a setting of the whole host'],
  'memory.disableOOMKiller': ['memory.disableOOMKiller', 'memory.high in unified throttles instead'],
  'io.leafWeight': ['blockIO.leafWeight', 'only leaves have processes'],
  'io.deviceLeafWeight': ['blockIO.weightDevice.*.leafWeight', 'only leaves have processes'],
}
