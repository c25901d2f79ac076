/** Cgroup: kills of the OOM killer. */
import { drain, fileInfo, notifyFile, readFileIfAny } from '../native/binding.js'
import type { CgroupPlan } from '../plan/types.js'
import { directoryOf, watchOomV1 } from './v1.js'

/** What tells of OOM kills. */
export interface OomWatch {
  /** A descriptor that is readable when there may have been one; the owner closes it. */
  readonly notice: number
  /** True when there has been one since the last call. */
  happened(): boolean
}

const countKills = (path: string): number => Number(/^oom_kill (\d+)/m.exec(readFileIfAny(path) ?? '')?.[1] ?? 0)

/** cgroup v2 counts them in memory.events, whose watchers are told (cgroups(7)). */
function watchUnified(file: string): OomWatch {
  const notice = notifyFile(file)
  let last = countKills(file)
  return {
    notice,
    happened() {
      drain(notice)
      const now = countKills(file)
      const grown = now > last
      last = Math.max(now, last)
      return grown
    },
  }
}

/** Undefined when no memory controller watches the container: then nobody would know. @throws SyscallError */
export function watchOom(cgroup: CgroupPlan): OomWatch | undefined {
  const memory = directoryOf(cgroup, 'memory')
  if (memory !== undefined) return watchOomV1(memory)
  const file = `${cgroup.unified ?? ''}/memory.events`
  return cgroup.unified !== undefined && fileInfo(file) ? watchUnified(file) : undefined
}

/** True when the OOM killer has ended a process of the container: memory.events, or memory.oom_control of v1. */
export function oomKilled(cgroup: CgroupPlan): boolean {
  const memory = directoryOf(cgroup, 'memory')
  return countKills(memory === undefined ? `${cgroup.unified ?? ''}/memory.events` : `${memory}/memory.oom_control`) > 0
}
