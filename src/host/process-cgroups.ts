/** Where a process is in the cgroup hierarchies of the host. */
import { readFileIfAny } from '../native/binding.js'
import type { CgroupPlan } from '../plan/types.js'
import { cgroupMounts, parseOwnCgroups } from './facts.js'
import { readMounts } from './mountinfo.js'

/**
 * The directories of a process in all hierarchies (cgroups(7), /proc/PID/cgroup), without those that are outside of what
 * the caller's cgroup namespace shows; none when it has ended.
 * @throws SyscallError when /proc is not readable
 */
export function cgroupsOf(pid: number | 'self'): CgroupPlan {
  const paths = parseOwnCgroups(readFileIfAny(`/proc/${pid}/cgroup`) ?? '')
  const { unified, v1 } = cgroupMounts(readMounts('self', 'cgroup'))
  const directories: Record<string, string> = {}
  for (const [hierarchy, point] of Object.entries({ ...v1, ...(unified === undefined ? {} : { '': unified }) })) {
    const path = paths[hierarchy]
    if (path === undefined || path.split('/').includes('..')) continue
    directories[hierarchy] = path === '/' ? point : `${point}${path}`
  }
  const { '': inUnified, ...legacy } = directories
  return { ...(inUnified === undefined ? {} : { unified: inUnified }), v1: legacy }
}

/** As `cgroupsOf`, in the unified hierarchy alone; undefined where there is none, or nothing to be seen. */
export const unifiedCgroupOf = (pid: number | 'self'): string | undefined => cgroupsOf(pid).unified
