/** Stage 1, config: the quick check, which says yes or no and nothing else. */
import type { ListNode, MapNode, Node, ObjectNode, Shape, TextNode } from './shape.js'

/**
 * True when the value has the shape just as it stands: it has no unknown members, and none that are there
 * but count as absent. A value for which this is false may still be good after a closer look.
 */
export function matches<T>(shape: Shape<T>, value: unknown): value is T {
  return matchesNode(shape, value)
}

function matchesNode(shape: Node, value: unknown): boolean {
  switch (shape.kind) {
    case 'text':
      return typeof value === 'string' && matchesText(shape, value)
    case 'flag':
      return typeof value === 'boolean'
    case 'oneOf':
      return typeof value === 'string' && shape.names.includes(value)
    case 'integer':
      return Number.isInteger(value) && (value as number) >= shape.min && (value as number) <= shape.max
    case 'wide':
      return isExact(value) && value >= shape.min && value <= shape.max
    case 'value':
      return shape.test(value)
    case 'list':
      return Array.isArray(value) && matchesItems(shape, value)
    case 'map':
      return isObject(value) && matchesNames(shape, value)
    case 'object':
      return isObject(value) && matchesMembers(shape, value)
  }
}

function matchesText({ emptyIsAbsent, only }: TextNode, value: string): boolean {
  return !value.includes('\0') && !(emptyIsAbsent && value === '') && (only === undefined || only.test(value))
}

function matchesItems({ item, min }: ListNode, value: readonly unknown[]): boolean {
  if (value.length < min) return false
  for (const entry of value) if (!matchesNode(item, entry)) return false
  return true
}

function matchesNames(shape: MapNode, value: Readonly<Record<string, unknown>>): boolean {
  for (const name of Object.keys(value)) {
    // later code that copies members by assignment would set a prototype
    if (name === '__proto__' || name.includes('\0') || !matchesNode(shape.value, value[name])) return false
  }
  return true
}

function matchesMembers({ members, required }: ObjectNode, value: Readonly<Record<string, unknown>>): boolean {
  for (const name of Object.keys(value)) {
    const member = members[name]
    if (member === undefined || !matchesNode(member, value[name])) return false
  }
  for (const name of required) if (!Object.hasOwn(value, name)) return false
  return true
}

/** A number beyond 2^53 has been rounded, and needs the closer look. */
function isExact(value: unknown): value is number | bigint {
  return typeof value === 'bigint' || Number.isSafeInteger(value)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
