/**
 * Stage 1, config: zod schemas made from shapes, for values that need a closer look: they drop what is
 * unknown, make rounded integers exact, and find every problem. Imported only when there is such a value.
 */
import * as z from 'zod/mini'
import type { ConfigIssue } from '../../errors.js'
import { pointer, type Path } from '../pointer.js'
import { nearest } from '../suggest.js'
import type { Int64 } from '../types.js'
import { dropAbsent } from './absent.js'
import type { Node, ObjectNode, Shape, TextNode, WideNode } from './shape.js'

/** The value in the form that the shape says, or every problem that keeps it from that. */
export type Outcome<T> = { readonly value: T } | { readonly issues: readonly ConfigIssue[] }

/** Reads a value of unknown shape, which is not changed. */
export function read<T>(shape: Shape<T>, value: unknown): Outcome<T> {
  const hidden: Path[] = []
  const result = schemaOf(shape).safeParse(dropAbsent(shape, value, hidden), { error: describe })
  if (result.success && hidden.length === 0) return { value: result.data as T }
  const issues = hidden.map((path) => ({ path, message: 'no member may have this name' }))
  return {
    issues: [...issues, ...(result.error?.issues ?? [])].map(({ path, message }) => ({
      pointer: pointer(path),
      message,
    })),
  }
}

const made = new WeakMap<Node, z.ZodMiniType>()

function schemaOf(shape: Node): z.ZodMiniType {
  const known = made.get(shape)
  if (known !== undefined) return known
  const schema = makeSchema(shape)
  made.set(shape, schema)
  return schema
}

function makeSchema(shape: Node): z.ZodMiniType {
  switch (shape.kind) {
    case 'text':
      return textSchema(shape)
    case 'flag':
      return z.boolean()
    case 'oneOf': {
      const unknownName = (input: unknown) =>
        typeof input === 'string'
          ? `unknown ${shape.what} ${found(input)}; known are ${shape.names.join(', ')}`
          : undefined
      return z.enum(shape.names, { error: ({ input }) => unknownName(input) })
    }
    case 'integer': {
      const isInRange = (value: unknown) =>
        Number.isInteger(value) && Number(value) >= shape.min && Number(value) <= shape.max
      return z.custom<number>(isInRange, { params: rangeOf(shape) })
    }
    case 'wide':
      return wideSchema(shape)
    case 'value':
      return z.custom(shape.test, { params: { expected: shape.expected } })
    case 'list': {
      const items = z.array(schemaOf(shape.item))
      return shape.min === 0 ? items : items.check(z.minLength(shape.min))
    }
    case 'map':
      return z.record(textSchema({}), schemaOf(shape.value))
    case 'object':
      return objectSchema(shape)
  }
}

function textSchema({ only }: Pick<TextNode, 'only'>): z.ZodMiniType<string> {
  // the kernel would end the string there
  const schema = z.string().check(z.refine((value) => !value.includes('\0'), 'must not contain a NUL byte'))
  if (only === undefined) return schema
  const error = ({ input }: { readonly input?: unknown }) => `must be ${only.expected}, found ${found(input)}`
  return schema.check(z.refine(only.test, { error }))
}

/**
 * JSON.parse rounds 2^64 - 1 and 2^63 - 1 up to the next double, which is out of range: that double
 * stands for the largest value.
 */
function wideSchema({ min, max }: WideNode): z.ZodMiniType<Int64> {
  const rounded = Number(max)
  const isInRange = (value: unknown) =>
    typeof value === 'bigint'
      ? value >= min && value <= max
      : Number.isInteger(value) && Number(value) >= Number(min) && Number(value) <= rounded
  const exact = (value: Int64): Int64 => {
    if (value === rounded) return max
    return typeof value === 'number' && !Number.isSafeInteger(value) ? BigInt(value) : value
  }
  return z.pipe(z.custom<Int64>(isInRange, { params: rangeOf({ min, max }) }), z.transform(exact))
}

function objectSchema({ members, required, strict }: ObjectNode): z.ZodMiniType {
  const schemas: Record<string, z.ZodMiniType> = {}
  for (const [name, member] of Object.entries(members)) {
    const schema = schemaOf(member)
    schemas[name] = required.includes(name) ? schema : z.exactOptional(schema)
  }
  return strict ? z.strictObject(schemas) : z.object(schemas)
}

function rangeOf({ min, max }: { readonly min: Int64; readonly max: Int64 }): { readonly expected: string } {
  return { expected: `an integer from ${String(min)} to ${String(max)}` }
}

type RawIssue = Parameters<z.core.$ZodErrorMap>[0]

/** What is wrong, what was found and what is allowed, for problems whose schema has no words of its own. */
function describe(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
    case 'invalid_value':
    case 'custom':
      return issue.input === undefined ? 'is missing' : `must be ${expected(issue)}, found ${found(issue.input)}`
    case 'too_small':
      return 'must not be empty'
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownMember(key, knownMembers(issue))).join(', ')
    case 'invalid_key':
      return 'a member name must not contain a NUL byte'
    default:
      return undefined
  }
}

/** The members of the object that has others; zod gives the schema that has found them. */
function knownMembers({ inst }: RawIssue): string[] {
  const { shape } = (inst?._zod.def ?? {}) as { readonly shape?: object }
  return Object.keys(shape ?? {})
}

function unknownMember(name: string, known: readonly string[]): string {
  const meant = nearest(name, known)
  return `unknown member ${JSON.stringify(name)}${meant === undefined ? '' : `; did you mean ${JSON.stringify(meant)}?`}`
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'a string',
  boolean: 'true or false',
  array: 'an array',
  object: 'an object',
  record: 'an object',
}

function expected(issue: RawIssue): string {
  if (issue.code === 'invalid_type') return typeNames[issue.expected] ?? issue.expected
  if (issue.code === 'invalid_value') return `one of ${issue.values.map(String).join(', ')}`
  return String((issue.params as { expected?: unknown } | undefined)?.expected)
}

/** Long strings are cut: the message is one line. */
const maxShown = 64

function found(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  if (value === null) return 'null'
  if (typeof value === 'object') return 'an object'
  if (typeof value === 'string') return JSON.stringify(value.length > maxShown ? `${value.slice(0, maxShown)}…` : value)
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  // not from JSON, but from a caller of the library
  return `a ${typeof value}`
}
