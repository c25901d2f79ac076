/** Stage 1, config: the rules that the rest of a document breaks, when parts of it have not the shape that they must have. */
import type { ConfigIssue } from '../errors.js'
import { checkRules } from './rules.js'
import { documentShape } from './schema/index.js'
import { matches } from './schema/matches.js'

/** Other rules go by these: without them a document would seem to break what it does not. */
const foundations = ['', '/process', '/root', '/linux', '/linux/namespaces']

/** Problems of a shape that hide each other, one round for each. */
const rounds = 8

/**
 * The broken rules of what is left of a document without the parts that have these problems, and without what such a
 * part might have mended.
 */
export function remainingIssues(
  value: unknown,
  issues: readonly ConfigIssue[],
  more: (rest: unknown) => readonly ConfigIssue[],
): ConfigIssue[] {
  const gone: string[] = []
  let rest = value
  let found = issues
  for (let round = 0; round < rounds && found.length > 0; round++) {
    for (const { pointer } of found) {
      const cut = removable(rest, pointer)
      gone.push(cut)
      rest = without(rest, keysOf(cut))
    }
    found = more(rest)
  }
  const isBase = (pointer: string): boolean => foundations.includes(pointer) || pointer.startsWith('/linux/namespaces/')
  const shape = documentShape()
  if (gone.some(isBase) || !matches(shape, rest)) return []
  const touches = (pointer: string): boolean =>
    gone.some((cut) => `${pointer}/`.startsWith(`${cut}/`) || `${cut}/`.startsWith(`${pointer}/`))
  // A document without process or root is one that something else makes whole.
  return checkRules(rest).filter(({ pointer }) => !touches(pointer) && !foundations.includes(pointer))
}

const keysOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** What is to go: the part itself, the whole list that it is in, or the object that it is missing in. */
function removable(value: unknown, pointer: string): string {
  const parts = pointer.split('/')
  let at = value
  for (let depth = 1; depth < parts.length; depth++) {
    const here = parts.slice(0, depth).join('/')
    if (Array.isArray(at) || !isObject(at)) return here
    const [key = ''] = keysOf(`/${parts[depth] ?? ''}`)
    if (!Object.hasOwn(at, key)) return here
    at = at[key]
  }
  return pointer
}

function without(value: unknown, [key, ...rest]: readonly string[]): unknown {
  if (key === undefined || !isObject(value)) return undefined
  const { [key]: part, ...others } = value
  return rest.length === 0 ? others : { ...others, [key]: without(part, rest) }
}
