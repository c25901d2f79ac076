/** Stage 2, plan: the container's directory in each cgroup hierarchy of the host. Paths only, no limits. */
import { cleanPath } from '../config/paths.js'
import type { Config } from '../config/types.js'
import { limitsOf } from './resources/limits.js'
import type { CgroupPlan, HostFacts } from './types.js'

/** Key of the unified hierarchy in `HostFacts.cgroup.own`, as in /proc/self/cgroup. */
const unifiedKey = ''
const systemdHierarchy = 'name=systemd'

/** Named v1 hierarchies other than systemd's track somebody else's processes. */
const isForeign = (hierarchy: string): boolean => hierarchy.startsWith('name=') && hierarchy !== systemdHierarchy

/** What says where a container is. */
type Placed = Pick<Config, 'linux'> & Partial<Pick<Config, 'process'>>

/**
 * A new cpu group of cgroup v1 has no time for real-time policies where the kernel shares that out
 * (CONFIG_RT_GROUP_SCHED). A container with such a policy that asks for no limit of it and no place does without the group.
 */
const avoidsCpuGroup = ({ linux, process }: Placed): boolean =>
  ['SCHED_FIFO', 'SCHED_RR'].includes(process?.scheduler?.policy ?? '') &&
  !limitsOf({ cpu: linux?.resources?.cpu ?? {} }).some(({ controller }) => controller === 'cpu') &&
  (linux?.cgroupsPath ?? '') === ''

/**
 * Places the container in the hierarchies of the host (config-linux.md "Cgroups Path").
 *
 * An absolute cgroupsPath lies below the mount point. A relative one, or the id when there is none,
 * lies beside the runtime's own cgroup in the unified hierarchy (which has processes in it, so it
 * cannot distribute controllers to children) and below it in cgroup v1. `..` never leads above the
 * mount point.
 */
export function planCgroup(config: Placed, id: string, facts: HostFacts): CgroupPlan {
  const { cgroup } = facts
  if (cgroup.mode === 'none') return { v1: {} }
  const wanted = config.linux?.cgroupsPath ?? ''
  const path = wanted === '' ? id : wanted

  const v1: Record<string, string> = {}
  for (const [controllers, mountPoint] of Object.entries(cgroup.v1)) {
    if (isForeign(controllers)) continue
    if (controllers.split(',').includes('cpu') && avoidsCpuGroup(config)) continue
    v1[controllers] = directoryBelow(mountPoint, cgroup.own[controllers] ?? '/', path)
  }
  if (cgroup.unified === undefined) return { v1 }
  const own = cleanPath(cgroup.own[unifiedKey] ?? '/')
  return { unified: directoryBelow(cgroup.unified, `${own}/..`, path), v1 }
}

/** The same path, such as `/system.slice/x.scope`, in every hierarchy that the container may join. */
export function placeAt(path: string, { unified, v1 }: Pick<HostFacts['cgroup'], 'unified' | 'v1'>): CgroupPlan {
  const joined = Object.entries(v1).filter(([hierarchy]) => !isForeign(hierarchy))
  return {
    ...(unified === undefined ? {} : { unified: `${unified}${path}` }),
    v1: Object.fromEntries(joined.map(([hierarchy, mountPoint]) => [hierarchy, `${mountPoint}${path}`])),
  }
}

/** cleanPath treats its argument as absolute, so `..` stops at the mount point. */
function directoryBelow(mountPoint: string, own: string, path: string): string {
  const inside = path.startsWith('/') ? cleanPath(path) : cleanPath(`${cleanPath(own)}/${cleanPath(path)}`)
  return `${mountPoint}${inside}`
}
