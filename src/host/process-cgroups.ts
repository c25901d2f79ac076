/** Where a process is in the cgroup hierarchies of the host. */
import { readFileIfAny } from '../native/binding.js'
import { cgroupMounts, parseOwnCgroups } from './facts.js'
import { readMounts } from './mountinfo.js'

/**
 * The directory of a process in the unified hierarchy (cgroups(7), /proc/PID/cgroup). Undefined when it has ended,
 * when there is no such hierarchy, and when it is outside of what the caller's cgroup namespace shows.
 * @throws SyscallError when /proc is not readable
 */
export function unifiedCgroupOf(pid: number | 'self'): string | undefined {
  const path = parseOwnCgroups(readFileIfAny(`/proc/${pid}/cgroup`) ?? '')['']
  const { unified } = cgroupMounts(readMounts('self', 'cgroup'))
  if (path === undefined || unified === undefined || path.split('/').includes('..')) return undefined
  return path === '/' ? unified : `${unified}${path}`
}
