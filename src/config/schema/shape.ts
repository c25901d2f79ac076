/**
 * Stage 1, config: shapes, the one description of config.json that everything else is derived from: the
 * quick check of matches.ts, which every good document passes without zod, and the zod schemas of zod.ts,
 * which put every problem of a bad one into words. Building zod's schemas and running them once takes
 * longer than all of the kernel's work for a container, so a good document must not pay for them.
 */
import { namesOf } from '../vocabulary/table.js'

declare const type: unique symbol

/** A shape whose values have the type T. */
export type Shape<T> = Node & { readonly [type]?: () => T }

/** The type of a shape's values. */
export type TypeOf<S> = S extends { readonly [type]?: () => infer T } ? T : never

/** A shape without its type: plain data. */
export type Node =
  TextNode | FlagNode | OneOfNode | IntegerNode | WideNode | ValueNode | ListNode | MapNode | ObjectNode

/** A string without NUL bytes. */
export interface TextNode {
  readonly kind: 'text'
  /** As an optional member the empty string counts as absent, which is how Go writes it. */
  readonly emptyIsAbsent: boolean
  /** What else must be true of the string, and what it must be in words. */
  readonly only?: { readonly test: (text: string) => boolean; readonly expected: string }
}

/** A boolean. */
export interface FlagNode {
  readonly kind: 'flag'
}

/** A string out of `names`; other strings are errors that call it an unknown `what`. */
export interface OneOfNode {
  readonly kind: 'oneOf'
  readonly what: string
  readonly names: readonly string[]
  readonly emptyIsAbsent: boolean
}

/** An integer that a double holds exactly, ends included. */
export interface IntegerNode {
  readonly kind: 'integer'
  readonly min: number
  readonly max: number
}

/** An integer of 64 bits, ends included. */
export interface WideNode {
  readonly kind: 'wide'
  readonly min: bigint
  readonly max: bigint
}

/** What no JSON has, such as an option of the library that is a stream; `expected` says what it must be. */
export interface ValueNode {
  readonly kind: 'value'
  readonly test: (value: unknown) => boolean
  readonly expected: string
}

/** An array of at least `min` items. */
export interface ListNode {
  readonly kind: 'list'
  readonly item: Node
  readonly min: number
}

/** An object whose member names are free. */
export interface MapNode {
  readonly kind: 'map'
  readonly value: Node
}

/** An object with known members; others are ignored, or errors when `strict`. */
export interface ObjectNode {
  readonly kind: 'object'
  readonly members: Readonly<Record<string, Node>>
  readonly required: readonly string[]
  readonly strict: boolean
  /** True for a value that counts as absent as an optional member. */
  readonly isAbsent?: (value: unknown) => boolean
}

type Shapes = Readonly<Record<string, Shape<unknown>>>
type Required<R extends Shapes> = { readonly [K in keyof R]: TypeOf<R[K]> }
type Optional<O extends Shapes> = { readonly [K in keyof O]?: TypeOf<O[K]> }

/** Makes a shape when it is first asked for, since importing a module must cost nothing. */
export function lazily<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}

/** A list of the given items. */
export function list<T>(item: Shape<T>, { min = 0 } = {}): Shape<readonly T[]> {
  return { kind: 'list', item, min }
}

/** An object of the given values by free names. */
export function map<T>(value: Shape<T>): Shape<Readonly<Record<string, T>>> {
  return { kind: 'map', value }
}

/** An object of the given members; a null member counts as absent. */
export function object<R extends Shapes, O extends Shapes>(
  required: R,
  optional: O,
  options: Partial<Pick<ObjectNode, 'strict' | 'isAbsent'>> = {},
): Shape<Required<R> & Optional<O>> {
  // Without a prototype: what a document calls `toString` or `__proto__` is no member of any shape.
  const members = Object.assign(Object.create(null) as Record<string, Node>, required, optional)
  return { kind: 'object', members, required: Object.keys(required), strict: false, ...options }
}

/** One of the names of a table of the vocabulary. */
export function oneOf<T extends object>(
  what: string,
  table: T,
  { emptyIsAbsent = false } = {},
): Shape<keyof T & string> {
  return { kind: 'oneOf', what, names: namesOf(table), emptyIsAbsent }
}

/** An integer from `min` to `max`, both of which a double holds exactly. */
export function integer(min: number, max: number): Shape<number> {
  return { kind: 'integer', min, max }
}
