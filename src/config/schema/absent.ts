/**
 * Stage 1, config: what counts as absent. Writers of config.json in Go turn nil into null and leave empty
 * strings in place, and the peers read both as "not given"; so does tsrun, and no later code meets them.
 */
import type { Path } from '../pointer.js'
import type { Node } from './shape.js'

/**
 * A copy of the value, as deep as the shape knows it, without members that count as absent.
 * @param hidden gets the paths of members of maps that are left out for their name alone, and would be missed: a
 * parameter, a limit, a device
 */
export function dropAbsent(shape: Node, value: unknown, hidden: Path[] = [], at: Path = []): unknown {
  if (shape.kind === 'list' && Array.isArray(value))
    return value.map((item, index) => dropAbsent(shape.item, item, hidden, [...at, index]))
  if ((shape.kind !== 'object' && shape.kind !== 'map') || !isObject(value)) return value
  const copy: Record<string, unknown> = {}
  for (const [name, member] of Object.entries(value)) {
    if (member === null || member === undefined) continue
    // as a plain assignment it would set the prototype; no member of the spec has this name
    if (name === '__proto__') {
      if (shape.kind === 'map') hidden.push([...at, name])
      continue
    }
    const memberShape = shape.kind === 'map' ? shape.value : shape.members[name]
    if (memberShape === undefined) copy[name] = member
    else if (!countsAsAbsent(memberShape, member)) copy[name] = dropAbsent(memberShape, member, hidden, [...at, name])
  }
  return copy
}

function countsAsAbsent(shape: Node, value: unknown): boolean {
  if (shape.kind === 'text' || shape.kind === 'oneOf') return shape.emptyIsAbsent && value === ''
  return shape.kind === 'object' && (shape.isAbsent?.(value) ?? false)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
