/** Stage 2, plan: the memory controller (config-linux.md "Memory"; kernel: cgroup-v2.rst, cgroup-v1/memory.rst). */
import type { Int64, MemoryResources } from '../../config/types.js'
import { contradiction, type ControllerPlanner, isSet, limitText, notOnUnified, type Write } from './values.js'

/** Limits of memory and swap. */
export const planMemory: ControllerPlanner = ({ memory }, version) => {
  if (memory === undefined) return []
  return version === 2 ? unifiedMemory(memory) : legacyMemory(memory)
}

function unifiedMemory(memory: MemoryResources): Write[] {
  if (isSet(memory.kernelTCP)) throw notOnUnified('memory.kernelTCP', 'memory.limit counts it')
  if (memory.swappiness !== undefined) throw notOnUnified('memory.swappiness', 'it is a setting of the whole host')
  if (memory.disableOOMKiller) throw notOnUnified('memory.disableOOMKiller', 'memory.high in unified throttles instead')
  const { limit, reservation, checkBeforeUpdate } = memory
  const writes: Write[] = []
  const swap = swapAlone(memory)
  if (swap !== undefined) {
    const usage = checkBeforeUpdate && swap >= 0 ? { usage: { file: 'memory.swap.current', atMost: Number(swap) } } : {}
    // A kernel without swap accounting has no such file, and nothing to forbid or allow.
    const none: Pick<Write, 'otherwise'> = swap <= 0 ? { otherwise: 'skip' } : {}
    writes.push({ file: 'memory.swap.max', value: limitText(swap), ...none, ...usage })
  }
  if (isSet(limit)) {
    const usage = checkBeforeUpdate && limit >= 0 ? { usage: { file: 'memory.current', atMost: Number(limit) } } : {}
    writes.push({ file: 'memory.max', value: limitText(limit), ...usage })
  }
  if (isSet(reservation)) writes.push({ file: 'memory.low', value: limitText(reservation) })
  return writes
}

/** In the config swap is memory and swap together, as in cgroup v1; -1 is unlimited, undefined not set. */
function swapAlone({ limit, swap }: MemoryResources): Int64 | undefined {
  const unlimited = isSet(limit) && limit < 0
  if (!isSet(swap)) return unlimited ? -1 : undefined
  if (swap < 0) return -1
  if (!isSet(limit) || unlimited) {
    throw contradiction('memory/swap', 'unable to set swap limit without memory limit')
  }
  const alone = BigInt(swap) - BigInt(limit)
  if (alone < 0n) throw contradiction('memory/swap', 'memory+swap limit should be >= memory limit')
  return alone
}

function legacyMemory(memory: MemoryResources): Write[] {
  const { limit, swap, reservation, kernelTCP, swappiness, disableOOMKiller } = memory
  const writes: Write[] = []
  // The limit may never be above that of memory and swap together: which of the two has to be written
  // first depends on their old values, so whichever is rejected comes again after the other.
  if (isSet(limit)) writes.push({ file: 'memory.limit_in_bytes', value: String(limit), retry: true })
  if (isSet(swap)) writes.push({ file: 'memory.memsw.limit_in_bytes', value: String(swap) })
  else if (isSet(limit) && limit < 0) {
    writes.push({ file: 'memory.memsw.limit_in_bytes', value: '-1', otherwise: 'skip' })
  }
  if (isSet(reservation)) writes.push({ file: 'memory.soft_limit_in_bytes', value: String(reservation) })
  if (isSet(kernelTCP)) writes.push({ file: 'memory.kmem.tcp.limit_in_bytes', value: String(kernelTCP) })
  if (disableOOMKiller) writes.push({ file: 'memory.oom_control', value: '1' })
  if (swappiness !== undefined) writes.push({ file: 'memory.swappiness', value: String(swappiness) })
  return writes
}
