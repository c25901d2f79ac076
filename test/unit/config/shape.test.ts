import t from 'tap'
import type { ConfigDocument, Process, Resources } from '#dist/config/types.js'
import { documentShape } from '#dist/config/schema/index.js'
import { matches } from '#dist/config/schema/matches.js'
import type { processShape } from '#dist/config/schema/process.js'
import type { resourcesShape } from '#dist/config/schema/resources.js'
import type { TypeOf } from '#dist/config/schema/shape.js'
import { read } from '#dist/config/schema/zod.js'
import { dataText, type Json } from './support.js'

/** The type with every member there, so that one that is missing from either side is seen. */
type Complete<T> = T extends readonly (infer I)[]
  ? readonly Complete<I>[]
  : T extends object
    ? { readonly [K in keyof T]-?: Complete<T[K]> }
    : T
type Same<A, B> = [Complete<A>, Complete<B>] extends [Complete<B>, Complete<A>] ? true : never

t.test('the shapes describe exactly the hand-written types', (t) => {
  const same: [
    Same<ConfigDocument, TypeOf<ReturnType<typeof documentShape>>>,
    Same<Process, TypeOf<ReturnType<typeof processShape>>>,
    Same<Resources, TypeOf<ReturnType<typeof resourcesShape>>>,
  ] = [true, true, true]
  t.ok(same, 'checked by the compiler')
  // @ts-expect-error: a member that only one of the two has is seen
  const different: Same<{ a?: string }, { a?: string; b?: number }> = true
  t.ok(different, 'checked by the compiler')
  t.end()
})

/** Values that are put in place of every member and item of a good document, and `delete` for taking it away. */
const mutations: readonly unknown[] = [
  'delete',
  null,
  '',
  'x',
  'a\0',
  'SCMP_ACT_ALLOW',
  0,
  -1,
  1.5,
  2 ** 32,
  2 ** 53,
  2 ** 63,
  2 ** 64,
  18446744073709551615n,
  true,
  [],
  ['x'],
  [null],
  {},
  { x: {} },
  { __proto__x: '' },
]

/** A document that the quick check takes, and small enough to be put through everything. */
function plainlyGood(name: string): Json {
  return JSON.parse(dataText(`${name}.json`), (key, value: unknown) => {
    // an unknown member, and numbers that JSON.parse rounds
    if (key === 'oomScoreAdj' && value === 100) return undefined
    if (typeof value === 'number' && !Number.isSafeInteger(value)) return 1
    return Array.isArray(value) ? value.slice(-3) : value
  }) as Json
}

/** Every place in the value, as the container and the key in it. */
function* places(value: unknown): Generator<[container: Json, key: string]> {
  if (typeof value !== 'object' || value === null) return
  for (const key of Object.keys(value)) {
    yield [value as Json, key]
    yield* places((value as Json)[key])
  }
}

t.test('the quick check says yes to exactly what zod leaves as it is', (t) => {
  for (const name of ['docker-config', 'spec/good/spec-example']) {
    const document = plainlyGood(name)
    t.ok(matches(documentShape(), document))
    let checked = 0
    let yes = 0
    for (const [container, key] of places(document)) {
      const before = container[key]
      for (const mutation of mutations) {
        if (mutation !== 'delete') container[key] = mutation
        else if (Array.isArray(container)) continue
        else Reflect.deleteProperty(container, key)
        const outcome = read(documentShape(), document)
        const isUnchanged = 'value' in outcome && isSame(outcome.value, document)
        const isMatch = matches(documentShape(), document)
        if (isMatch !== isUnchanged)
          t.fail(`${key} = ${String(mutation)}: quick ${String(isMatch)}, zod ${String(isUnchanged)}`)
        checked++
        if (isMatch) yes++
      }
      container[key] = before
    }
    t.ok(checked > 1000, `${name}: ${String(checked)} documents, ${String(yes)} of them plainly good`)
    t.ok(yes > 100)
  }
  t.end()
})

function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return Object.is(a, b)
  const keys = Object.keys(a)
  return (
    Array.isArray(a) === Array.isArray(b) &&
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isSame((a as Json)[key], (b as Json)[key]))
  )
}
