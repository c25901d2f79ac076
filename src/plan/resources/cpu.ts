/** Stage 2, plan: the cpu controller (config-linux.md "CPU"; kernel: cgroup-v2.rst, sched-bwc.rst). */
import type { CPUResources, Int64 } from '../../config/types.js'
import { type ControllerPlanner, isSet, notOnUnified, type Write } from './values.js'

/** Microseconds; what the kernel starts with. */
const defaultPeriod = 100_000

/** Weight, bandwidth and priority. */
export const planCpu: ControllerPlanner = ({ cpu }, version) => {
  if (cpu === undefined) return []
  return version === 2 ? unifiedCpu(cpu) : legacyCpu(cpu)
}

/**
 * cpu.weight (1 to 10000) for cpu.shares (2 to 262144): a curve through (2, 1), (1024, 100) and
 * (262144, 10000), so that both defaults mean the same.
 */
export function weightForShares(shares: Int64): number {
  if (shares <= 2) return 1
  if (shares >= 262_144) return 10_000
  const log = Math.log2(Number(shares))
  const weight = 10 ** ((log * log + 125 * log) / 612 - 7 / 34)
  // The curve goes exactly through 100, floating point a hair's breadth beside it.
  return Math.ceil(weight - 1e-9)
}

function unifiedCpu(cpu: CPUResources): Write[] {
  for (const name of ['realtimeRuntime', 'realtimePeriod'] as const) {
    if (isSet(cpu[name])) throw notOnUnified(`cpu.${name}`, 'its cpu controller does not know real-time processes')
  }
  const { shares, quota, period, burst, idle } = cpu
  const writes: Write[] = []
  // An idle group takes no weight.
  if (isSet(shares)) writes.push({ file: 'cpu.weight', value: String(weightForShares(shares)), retry: true })
  if (idle !== undefined) writes.push({ file: 'cpu.idle', value: String(idle) })
  // At no moment may the burst be above the quota.
  if (burst !== undefined) writes.push({ file: 'cpu.max.burst', value: String(burst), retry: true })
  if (isSet(quota) || isSet(period)) {
    const allowed = isSet(quota) && quota > 0 ? String(quota) : 'max'
    writes.push({ file: 'cpu.max', value: `${allowed} ${String(isSet(period) ? period : defaultPeriod)}` })
  }
  return writes
}

function legacyCpu(cpu: CPUResources): Write[] {
  const { shares, quota, period, burst, idle, realtimeRuntime, realtimePeriod } = cpu
  const writes: Write[] = []
  if (isSet(shares)) writes.push({ file: 'cpu.shares', value: String(shares), retry: true })
  if (idle !== undefined) writes.push({ file: 'cpu.idle', value: String(idle) })
  if (burst !== undefined) writes.push({ file: 'cpu.cfs_burst_us', value: String(burst), retry: true })
  // The ratio of the two may not exceed the parent's in between either.
  if (isSet(period)) writes.push({ file: 'cpu.cfs_period_us', value: String(period), retry: true })
  if (isSet(quota)) writes.push({ file: 'cpu.cfs_quota_us', value: quota < 0 ? '-1' : String(quota) })
  if (isSet(realtimePeriod)) writes.push({ file: 'cpu.rt_period_us', value: String(realtimePeriod), retry: true })
  if (isSet(realtimeRuntime)) writes.push({ file: 'cpu.rt_runtime_us', value: String(realtimeRuntime) })
  return writes
}

/** Which CPUs and memory nodes; the files are the same in both versions. */
export const planCpuset: ControllerPlanner = ({ cpu }) => {
  const writes: Write[] = []
  if (cpu?.cpus) writes.push({ file: 'cpuset.cpus', value: cpu.cpus })
  if (cpu?.mems) writes.push({ file: 'cpuset.mems', value: cpu.mems })
  return writes
}
