/** Stage 2, plan: the container's group of the Intel resource director (config-linux.md "IntelRdt"). Pure. */
import type { IntelRdt, Linux } from '../config/types.js'
import { UnsupportedError } from '../errors.js'

/** A group of resctrl, and what becomes of it. */
export interface IntelRdtPlan {
  /** Mount point of the resctrl file system. */
  readonly root: string
  /** Directory of the group; `root` itself for the group of all that are in no other one. */
  readonly group: string
  /**
   * `make`: it is the container's own, and goes with it. `join`: it must be there. `share`: it is made where it
   * is missing, or must have these very schemata, and stays.
   */
  readonly mode: 'make' | 'join' | 'share'
  /** What is written to `schemata`, one write after the other; each line of one is about another resource. */
  readonly schemata: readonly string[]
  /** Directory of a monitoring group of the container's own, below `group`. */
  readonly monitor?: string
}

/** What one may write to a group's schemata. */
export type RdtSchemas = Pick<IntelRdt, 'l3CacheSchema' | 'memBwSchema' | 'schemata'>

/** @throws UnsupportedError where no resctrl is mounted */
export function assertResctrl(root: string | undefined): asserts root is string {
  if (root !== undefined) return
  const hint = 'mount it, if the processor can: mount -t resctrl resctrl /sys/fs/resctrl'
  throw new UnsupportedError('linux.intelRdt', `linux.intelRdt needs a mounted resctrl file system (${hint})`)
}

/** True for an intelRdt that only names a group, which changes nothing where there are no groups. */
const onlyNames = (config: IntelRdt): boolean =>
  config.closID !== undefined && planSchemata(config).length === 0 && config.enableMonitoring !== true

/** What a config that only names a group does not get on a host without resctrl: runc ignores it as well. */
export function rdtWarnings(linux: Linux | undefined, root: string | undefined): string[] {
  if (linux?.intelRdt === undefined || root !== undefined || !onlyNames(linux.intelRdt)) return []
  return ['linux.intelRdt has no effect: no resctrl file system is mounted']
}

/**
 * The group for `linux.intelRdt`, if that is there: even an empty one asks for a group.
 * @throws UnsupportedError where no resctrl is mounted and more is asked for than to be in a group
 */
export function planIntelRdt(linux: Linux | undefined, id: string, root: string | undefined): IntelRdtPlan | undefined {
  const config = linux?.intelRdt
  if (config === undefined || (root === undefined && onlyNames(config))) return undefined
  assertResctrl(root)
  const { closID } = config
  const group = closID === '/' ? root : `${root}/${closID ?? id}`
  const schemata = planSchemata(config)
  return {
    ...{ root, group, schemata },
    mode: closID === undefined ? 'make' : schemata.length === 0 ? 'join' : 'share',
    ...(config.enableMonitoring ? { monitor: `${group}/mon_groups/${id}` } : {}),
  }
}

/** In the order that config-linux.md demands: what comes later counts. */
export function planSchemata({ l3CacheSchema = '', memBwSchema = '', schemata = [] }: RdtSchemas): string[] {
  // Beside memBwSchema the memory bandwidth is none of l3CacheSchema's business (runtime-spec 1.0.2).
  const lines = l3CacheSchema.split('\n').filter((line) => memBwSchema === '' || !line.trim().startsWith('MB:'))
  return [lines.join('\n'), memBwSchema, schemata.join('\n')].filter(Boolean)
}

/** The first value of `wanted` that `found` (content of a schemata file) does not have; undefined: it has all. */
export function missingSchema(wanted: readonly string[], found: string): string | undefined {
  const there = parseSchemata([found])
  return [...parseSchemata(wanted)].find(([name, value]) => there.get(name) !== value)?.join('=')
}

/** Values by resource and domain (`L3:0`). The kernel prints masks and numbers in its own way: `00F` is `f`. */
function parseSchemata(texts: readonly string[]): Map<string, string> {
  const values = new Map<string, string>()
  for (const line of texts.flatMap((text) => text.split('\n'))) {
    const [resource = '', list = ''] = line.split(':', 2)
    for (const part of list.split(';')) {
      const [domain = '', value] = part.split('=', 2)
      if (value === undefined) continue
      values.set(
        `${resource.trim()}:${domain.trim()}`,
        value
          .trim()
          .toLowerCase()
          .replace(/^0+(?=.)/, ''),
      )
    }
  }
  return values
}
