/** Stage 1, config: the quick check, which says yes or no and nothing else. Of each shape a function is made once. */
import type { ListNode, MapNode, Node, ObjectNode, Shape, TextNode } from './shape.js'

/**
 * True when the value has the shape just as it stands: it has no unknown members, and none that are there
 * but count as absent. A value for which this is false may still be good after a closer look.
 */
export function matches<T>(shape: Shape<T>, value: unknown): value is T {
  return checkOf(shape)(value)
}

type Check = (value: unknown) => boolean

const made = new WeakMap<Node, Check>()

function checkOf(shape: Node): Check {
  const known = made.get(shape)
  if (known !== undefined) return known
  const check = makeCheck(shape)
  made.set(shape, check)
  return check
}

function makeCheck(shape: Node): Check {
  switch (shape.kind) {
    case 'text':
      return textCheck(shape)
    case 'flag':
      return (value) => typeof value === 'boolean'
    case 'oneOf': {
      const names: ReadonlySet<unknown> = new Set(shape.names)
      return (value) => names.has(value)
    }
    case 'integer': {
      const { min, max } = shape
      return (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max
    }
    case 'wide': {
      const { min, max } = shape
      return (value) => isExact(value) && value >= min && value <= max
    }
    case 'value':
      return shape.test
    case 'list':
      return listCheck(shape)
    case 'map':
      return mapCheck(shape)
    case 'object':
      return objectCheck(shape)
  }
}

const isText: Check = (value) => typeof value === 'string' && value.indexOf('\0') < 0

function textCheck({ emptyIsAbsent, only }: TextNode): Check {
  if (only !== undefined)
    return (value) => isText(value) && !(emptyIsAbsent && value === '') && only.test(value as string)
  return emptyIsAbsent ? (value) => value !== '' && isText(value) : isText
}

// The loops below count: each step of an iterator is several calls, and a config has hundreds of items.

function listCheck({ item, min }: ListNode): Check {
  const check = checkOf(item)
  if (check === isText) return (value) => Array.isArray(value) && value.length >= min && areTexts(value)
  return (value) => {
    if (!Array.isArray(value) || value.length < min) return false
    for (let i = value.length - 1; i >= 0; i--) if (!check(value[i])) return false
    return true
  }
}

/** All at once: a seccomp profile has hundreds of names. */
function areTexts(values: readonly unknown[]): boolean {
  for (let i = values.length - 1; i >= 0; i--) if (typeof values[i] !== 'string') return false
  return values.join('').indexOf('\0') < 0
}

function mapCheck(shape: MapNode): Check {
  const check = checkOf(shape.value)
  return (value) => {
    if (!isObject(value)) return false
    for (const name of Object.keys(value)) {
      // later code that copies members by assignment would set a prototype
      if (name === '__proto__' || name.includes('\0') || !check(value[name])) return false
    }
    return true
  }
}

function objectCheck({ members, required }: ObjectNode): Check {
  // Without a prototype, as `members`.
  const checks = Object.create(null) as Record<string, Check>
  for (const [name, member] of Object.entries(members)) checks[name] = checkOf(member)
  return (value) => {
    if (!isObject(value)) return false
    const names = Object.keys(value)
    for (let i = names.length - 1; i >= 0; i--) {
      const name = names[i] as string
      const check = checks[name]
      if (check === undefined || !check(value[name])) return false
    }
    for (let i = required.length - 1; i >= 0; i--) if (!Object.hasOwn(value, required[i] as string)) return false
    return true
  }
}

/** A number beyond 2^53 has been rounded, and needs the closer look. */
function isExact(value: unknown): value is number | bigint {
  return typeof value === 'bigint' || Number.isSafeInteger(value)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
