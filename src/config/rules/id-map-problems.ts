/** Stage 1, config: what the kernel takes as a uid_map or gid_map (user_namespaces(7)). */
import type { IDMapping } from '../types.js'

/** What one uid_map or gid_map takes since Linux 4.15. */
const maxMappings = 340

/** (uid_t) -1 is nobody's id. */
const maxId = 0xfffffffe

const sides = [
  ['containerID', 'container'],
  ['hostID', 'host'],
] as const

/** Why the kernel would refuse a map. */
export interface IdMapProblem {
  /** The mapping that is wrong; the list as a whole when there is none. */
  readonly index?: number
  /** Its size is what is wrong. */
  readonly empty: boolean
  readonly message: string
}

/** Every problem of a map; `nameOf` is how the message calls another mapping of it. */
export function* idMapProblems(
  mappings: readonly IDMapping[],
  nameOf: (index: number) => string,
): Generator<IdMapProblem> {
  if (mappings.length > maxMappings) {
    yield { empty: false, message: `has ${mappings.length} mappings, the kernel takes ${maxMappings}` }
    return
  }
  for (const [index, mapping] of mappings.entries()) {
    if (mapping.size === 0) yield { index, empty: true, message: 'must not be 0' }
    for (const [side, name] of sides) {
      const { [side]: first, size } = mapping
      const last = first + size - 1
      if (last > maxId) {
        yield { index, empty: false, message: `reaches up to ${name} id ${last}, the highest is ${maxId}` }
      }
      const other = mappings
        .slice(0, index)
        .findIndex((earlier) => first < earlier[side] + earlier.size && earlier[side] < first + size)
      if (other >= 0) yield { index, empty: false, message: `overlaps ${nameOf(other)} in the ${name} ids` }
    }
  }
}
