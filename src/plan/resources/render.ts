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

/** Limits in the order of their writes. */
function placed(limits: readonly Limit[], places: Places): Placed[] {
  const inTable = (rows: Partial<Record<LimitId, Row>>, isIts: (hierarchy: string) => boolean): Placed[] =>
    Object.entries(rows).flatMap(([id, row]) =>
      limits
        .filter((one) => idOf(one) === id)
        .map((one) => ({ row, limit: one, hierarchy: hierarchyOf(places, one.controller) }))
        .filter(({ hierarchy }) => isIts(hierarchy)),
    )
  return [...inTable(legacyRows, (one) => one !== ''), ...inTable(unifiedRows, (one) => one === '')]
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
