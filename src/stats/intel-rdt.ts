/** Statistics of the Intel resource director: what the container's group may use, and what has been counted. */
import { hasErrno, listDirectory } from '../native/binding.js'
import type { RdtRecord } from '../state/record.js'
import { Files, parseCount, present } from './files.js'
import type { Count, IntelRdtStats } from './types.js'

/** What the kernel tells of a group; nothing for a container without one. @throws SyscallError */
export function readRdtStats(record: RdtRecord | undefined): IntelRdtStats {
  if (record === undefined) return {}
  const { root, group, monitor = group } = record
  const own = schemataOf(group)
  const all = schemataOf(root)
  const domains = domainsOf(monitor)
  const cache = new Files(`${root}/info/L3`)
  const bandwidth = new Files(`${root}/info/MB`)
  return present<IntelRdtStats>({
    l3_cache_info: unlessEmpty({
      cbm_mask: cache.text('cbm_mask')?.trim(),
      min_cbm_bits: cache.count('min_cbm_bits'),
      num_closids: cache.count('num_closids'),
    }),
    l3_cache_schema_root: lineOf(all, 'L3'),
    l3_cache_schema: lineOf(own, 'L3'),
    mem_bw_info: unlessEmpty({
      bandwidth_gran: bandwidth.count('bandwidth_gran'),
      delay_linear: bandwidth.count('delay_linear'),
      min_bandwidth: bandwidth.count('min_bandwidth'),
      num_closids: bandwidth.count('num_closids'),
    }),
    mem_bw_schema_root: lineOf(all, 'MB:'),
    mem_bw_schema: lineOf(own, 'MB:'),
    schemata: own,
    mbm_stats: counters(domains, ['mbm_total_bytes', 'mbm_local_bytes']),
    cmt_stats: counters(domains, ['llc_occupancy']),
  })
}

/** Undefined where the processor has no such resource, and so no file tells of it. */
function unlessEmpty<T extends object>(members: { readonly [K in keyof T]: T[K] | undefined }): Partial<T> | undefined {
  const found = present(members)
  return Object.keys(found).length === 0 ? undefined : found
}

/** The kernel indents them. */
const schemataOf = (group: string): string[] =>
  (new Files(group).text('schemata') ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)

const lineOf = (schemata: readonly string[], resource: string): string | undefined =>
  schemata.find((line) => line.startsWith(resource))

/** The caches whose counters a group has, in their order; none where nothing is counted. */
function domainsOf(group: string): Files[] {
  try {
    const names = listDirectory(`${group}/mon_data`).filter((name) => name.startsWith('mon_L3_'))
    return names.sort().map((name) => new Files(`${group}/mon_data/${name}`))
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return []
    throw error
  }
}

/** One entry for each cache; left out is what the kernel calls unavailable at the moment. */
function counters<N extends string>(domains: readonly Files[], names: readonly N[]): Partial<Record<N, Count>>[] {
  const counted = domains.map((domain) => names.map((name) => [name, domain.text(name)?.trim()] as const))
  return counted
    .filter((entries) => entries.some(([, text]) => text !== undefined))
    .map((entries) => {
      const numbers = entries.filter(([, text]) => text !== undefined && /^\d+$/.test(text))
      return Object.fromEntries(numbers.map(([name, text]) => [name, parseCount(text ?? '')])) as Partial<
        Record<N, Count>
      >
    })
}
