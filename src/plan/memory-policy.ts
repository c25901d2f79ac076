/** Stage 2, plan: the NUMA policy of the container's processes (config-linux.md "Memory policy"). */
import { normalizedList } from '../config/lists.js'
import type { Linux } from '../config/types.js'
import { memoryPolicyFlag, memoryPolicyMode } from '../config/vocabulary/linux.js'
import { bitsOf } from '../config/vocabulary/table.js'
import type { Step } from './steps.js'

/** The step for `linux.memoryPolicy`, if there is one. */
export function planMemoryPolicy(linux: Linux | undefined): Step[] {
  const policy = linux?.memoryPolicy
  if (policy === undefined) return []
  const { mode, flags = [], nodes = '' } = policy
  return [
    {
      op: 'memoryPolicy',
      mode: memoryPolicyMode[mode],
      flags: bitsOf(memoryPolicyFlag, flags),
      nodes: normalizedList(nodes),
    },
  ]
}
