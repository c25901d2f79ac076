/** Stage 2, plan: limits that are accepted and have no effect; whoever asked for them should know. */
import type { Config, Resources } from '../../config/types.js'
import type { CgroupManager } from '../types.js'
import { isSet } from './limits.js'

/** One sentence for each limit of a config that the container will not have. */
export function resourceWarnings({ linux }: Config, manager: CgroupManager | undefined): string[] {
  const { devices: _, ...limits } = linux?.resources ?? {}
  if (manager !== 'disabled') return limitWarnings(limits)
  const limited = Object.values(limits).some((limit) => Object.keys(limit).length > 0)
  return limited ? ['linux.resources has no effect: cgroups are disabled'] : []
}

/** The same for the limits of `update`. */
export const limitWarnings = ({ memory }: Resources): string[] =>
  // The kernel gave it up with 5.16, and config-linux.md recommends against it.
  isSet(memory?.kernel) ? ['linux.resources.memory.kernel has no effect: memory.limit counts it'] : []
