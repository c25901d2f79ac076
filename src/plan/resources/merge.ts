/** Stage 2, plan: a change of limits together with the limits that a container has. Pure. */
import type { BlockIOResources, CPUResources, MemoryResources, Resources } from '../../config/types.js'
import { isSet } from './values.js'

/** Both outcomes of a merge. */
export interface MergedResources {
  /** The change, completed by those old values that share a file with it. */
  readonly change: Resources
  /** All limits after it. */
  readonly merged: Resources
}

/** Lists of a member are replaced entry by entry: the new ones win. */
function upsert<T>(old: readonly T[] = [], added: readonly T[] = [], key: (entry: T) => string): T[] {
  const byKey = new Map(old.map((entry) => [key(entry), entry]))
  for (const entry of added) byKey.set(key(entry), entry)
  return [...byKey.values()]
}

/** cpu.max holds both: whichever is not given stays as it was. */
function completeCpu(old: CPUResources, change: CPUResources): CPUResources {
  if (isSet(change.quota) === isSet(change.period)) return change
  const { quota = old.quota, period = old.period } = change
  return {
    ...change,
    ...(quota === undefined ? {} : { quota: isSet(quota) ? quota : (old.quota ?? quota) }),
    ...(period === undefined ? {} : { period: isSet(period) ? period : (old.period ?? period) }),
  }
}

/** The limit of swap is counted from that of memory. */
function completeMemory(old: MemoryResources, change: MemoryResources): MemoryResources {
  if (!isSet(change.swap) || isSet(change.limit) || !isSet(old.limit)) return change
  return { ...change, limit: old.limit }
}

function mergeCpu(old: CPUResources, change: CPUResources): CPUResources {
  // An idle group has no weight: what it had before is forgotten.
  const { shares: _, ...withoutShares } = old
  return { ...(change.idle !== undefined && change.shares === undefined ? withoutShares : old), ...change }
}

function mergeBlockIO(old: BlockIOResources, change: BlockIOResources): BlockIOResources {
  const lists = [
    'weightDevice',
    'throttleReadBpsDevice',
    'throttleWriteBpsDevice',
    'throttleReadIOPSDevice',
    'throttleWriteIOPSDevice',
  ] as const
  const merged: Record<string, unknown> = { ...old, ...change }
  for (const name of lists) {
    const list = upsert<{ major: number; minor: number }>(old[name], change[name], (at) => `${at.major}:${at.minor}`)
    if (list.length > 0) merged[name] = list
  }
  return merged
}

/** Merges a change into the limits that a container has; device rules are never changed. */
export function mergeResources(old: Resources, { devices: _, ...given }: Resources): MergedResources {
  const change: Resources = {
    ...given,
    ...(given.cpu ? { cpu: completeCpu(old.cpu ?? {}, given.cpu) } : {}),
    ...(given.memory ? { memory: completeMemory(old.memory ?? {}, given.memory) } : {}),
  }
  const { memory, cpu, blockIO, hugepageLimits, rdma } = change
  const merged: Resources = {
    ...old,
    ...change,
    ...(memory ? { memory: { ...old.memory, ...memory } } : {}),
    ...(cpu ? { cpu: mergeCpu(old.cpu ?? {}, cpu) } : {}),
    ...(blockIO ? { blockIO: mergeBlockIO(old.blockIO ?? {}, blockIO) } : {}),
    ...(hugepageLimits ? { hugepageLimits: upsert(old.hugepageLimits, hugepageLimits, (at) => at.pageSize) } : {}),
    ...(rdma ? { rdma: { ...old.rdma, ...rdma } } : {}),
  }
  return { change, merged }
}
