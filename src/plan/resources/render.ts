/** Stage 2, plan: limits become writes to the files of the hierarchies where they are, or properties of a scope. Pure. */
import type { CgroupPlan } from '../types.js'
import { idOf } from './limits.js'
import type { CgroupWrite, Controller, Limit, LimitId, ResourcePlan, Row, UnitProperty } from './types.js'
import { legacyHierarchy, legacyRows } from './v1.js'
import { unifiedRows } from './v2.js'

/** Hierarchies of the container. */
type Places = Pick<CgroupPlan, 'v1'>

/** Where a controller is: the key of its hierarchy, `''` for the unified one. */
export const hierarchyOf = ({ v1 }: Places, controller: Controller): string => legacyHierarchy(v1, controller) ?? ''

interface Placed {
  readonly row: Row
  readonly limit: Limit
  readonly hierarchy: string
}

/** The place of a row in its table: limits are written in that order. */
const orderOf = (rows: Partial<Record<LimitId, Row>>): ReadonlyMap<string, number> =>
  new Map(Object.keys(rows).map((id, place) => [id, place]))

const tables = {
  legacy: { rows: legacyRows, order: orderOf(legacyRows) },
  unified: { rows: unifiedRows as Partial<Record<LimitId, Row>>, order: orderOf(unifiedRows) },
} as const

/** Limits in the order of their writes: those of cgroup v1 first, of each version by its table, which has not all. */
function placed(limits: readonly Limit[], places: Places): Placed[] {
  const found: (Placed & { readonly order: number })[] = []
  for (const one of limits) {
    const hierarchy = hierarchyOf(places, one.controller)
    const { rows, order } = hierarchy === '' ? tables.unified : tables.legacy
    const id = idOf(one)
    const row = rows[id]
    if (row !== undefined) found.push({ row, limit: one, hierarchy, order: order.get(id) ?? 0 })
  }
  const isUnified = ({ hierarchy }: Placed): number => (hierarchy === '' ? 1 : 0)
  return found.sort((one, other) => isUnified(one) - isUnified(other) || one.order - other.order)
}

/**
 * The writes for some limits.
 * @param all the limits that the container has then, since some files hold two of them
 * @throws ConfigError for limits that contradict each other
 */
export function renderWrites(
  limits: readonly Limit[],
  all: readonly Limit[],
  places: Places,
  { checksUsage }: Pick<ResourcePlan, 'checksUsage'> = {},
): CgroupWrite[] {
  const writes = new Map<string, CgroupWrite>()
  for (const { row, limit, hierarchy } of placed(limits, places)) {
    for (const { usage, ...write } of row.files(limit, all)) {
      // Two limits of one file are one write.
      const place = `${hierarchy}/${write.file} ${write.value}`
      writes.set(place, { hierarchy, ...write, ...(checksUsage && usage ? { usage } : {}) })
    }
  }
  return [...writes.values()]
}

/** Properties that say the same, as far as this version of systemd knows them. `change`: without those that cannot be changed. */
export function renderProperties(
  limits: readonly Limit[],
  all: readonly Limit[],
  places: Places,
  { version, change }: { version: number; change: boolean },
): UnitProperty[] {
  const properties = new Map<string, UnitProperty>()
  for (const { row, limit } of placed(limits, places)) {
    if (version < (row.since ?? 0) || (change && row.fixed)) continue
    for (const property of row.unit?.(limit, all) ?? []) properties.set(property[0], property)
  }
  return [...properties.values()]
}

/** True when one of the limits is a property only in newer versions of systemd: then its version must be known. */
export const needsVersion = (limits: readonly Limit[], places: Places): boolean =>
  placed(limits, places).some(({ row }) => row.since !== undefined)
