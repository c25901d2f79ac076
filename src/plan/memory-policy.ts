/** Stage 2, plan: the NUMA policy of the container's processes (config-linux.md "Memory policy"). */
import { normalizedList } from '../config/lists.js'
import type { Linux, MemoryPolicyFlag, MemoryPolicyMode } from '../config/types.js'
import type { Step } from './steps.js'

/** MPOL_* modes of set_mempolicy(2). */
export const memoryPolicyMode = {
  MPOL_DEFAULT: 0,
  MPOL_PREFERRED: 1,
  MPOL_BIND: 2,
  MPOL_INTERLEAVE: 3,
  MPOL_LOCAL: 4,
  MPOL_PREFERRED_MANY: 5,
  MPOL_WEIGHTED_INTERLEAVE: 6,
} as const satisfies Record<MemoryPolicyMode, number>

/** MPOL_F_* flags of set_mempolicy(2), which are added to the mode. */
export const memoryPolicyFlag = {
  MPOL_F_NUMA_BALANCING: 1 << 13,
  MPOL_F_RELATIVE_NODES: 1 << 14,
  MPOL_F_STATIC_NODES: 1 << 15,
} as const satisfies Record<MemoryPolicyFlag, number>

/** The step for `linux.memoryPolicy`, if there is one. */
export function planMemoryPolicy(linux: Linux | undefined): Step[] {
  const policy = linux?.memoryPolicy
  if (policy === undefined) return []
  let flags = 0
  for (const flag of policy.flags ?? []) flags |= memoryPolicyFlag[flag]
  return [{ op: 'memoryPolicy', mode: memoryPolicyMode[policy.mode], flags, nodes: normalizedList(policy.nodes ?? '') }]
}
