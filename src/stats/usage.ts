/** Statistics: what a container has used in its whole life, for its end. */
import type { Cgroup } from '../cgroup/cgroup.js'
import { filesOf } from './files.js'

/** What has been counted; a member is missing where nobody has counted it. */
export interface Usage {
  /** Milliseconds of CPU time of all its processes, with fractions. */
  readonly cpuTime?: number
  /** Bytes of memory at the most (cgroup v2: Linux 5.19 and newer). */
  readonly peakMemory?: number
}

/** Reads two files; nothing is wrong when the cgroup has gone. @throws SyscallError */
export function readUsage(cgroup: Cgroup): Usage {
  const { unified, v1 } = filesOf(cgroup)
  const cpuacct = v1('cpuacct')
  const memory = v1('memory')
  const microseconds = cpuacct === undefined ? unified.keyed('cpu.stat').usage_usec : undefined
  const nanoseconds = cpuacct?.count('cpuacct.usage')
  const peak = memory === undefined ? unified.count('memory.peak') : memory.count('memory.max_usage_in_bytes')
  return {
    ...(microseconds === undefined ? {} : { cpuTime: Number(microseconds) / 1e3 }),
    ...(nanoseconds === undefined ? {} : { cpuTime: Number(nanoseconds) / 1e6 }),
    ...(peak === undefined ? {} : { peakMemory: Number(peak) }),
  }
}
