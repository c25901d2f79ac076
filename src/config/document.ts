/** Stage 1, config: from a value of unknown shape to one that is known, or to every problem of it. */
import { ConfigError, type ConfigIssue } from '../errors.js'
import { parseJson } from './json.js'
import { Kept } from './kept.js'
import { documentShape } from './schema/index.js'
import { matches } from './schema/matches.js'
import type { Shape } from './schema/shape.js'
import type { ConfigDocument } from './types.js'

/**
 * Reads a parsed config.json by its shape only: a document without `process` passes. The value is not
 * changed, but the document may share parts with it.
 * Throws ConfigError with every problem.
 */
export async function readDocument(value: unknown): Promise<ConfigDocument> {
  return readAs(documentShape(), value)
}

const kept = new Kept<ConfigDocument>()

/**
 * Reads the text of a config.json by its shape only. Throws ConfigError: with line and column when the text is not JSON,
 * else with every problem.
 */
export async function readDocumentText(text: string): Promise<ConfigDocument> {
  return kept.get(text) ?? kept.keep(text, documentAsItStands(text) ?? (await readDocument(parseJson(text))))
}

/**
 * The document in a text that needs no closer look. The engine's own reader rounds integers that a double cannot hold,
 * which then do not match, and takes the escape of half a character for one: that is left to ours.
 */
export function documentAsItStands(text: string): ConfigDocument | undefined {
  if (text.includes('\\u')) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return matches(documentShape(), value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Reads a value of any shape, such as the `process` that `exec` is given. Throws ConfigError. */
export async function readAs<T>(shape: Shape<T>, value: unknown): Promise<T> {
  if (matches(shape, value)) return value
  const { read } = await import('./schema/zod.js')
  const outcome = read(shape, value)
  if ('value' in outcome) return outcome.value
  throw ConfigError.from(outcome.issues)
}

/** What finds the problems of a document's shape; none in one that is well formed. */
export async function shapeIssues(): Promise<(value: unknown) => readonly ConfigIssue[]> {
  const { read } = await import('./schema/zod.js')
  const shape = documentShape()
  return (value) => {
    const outcome = read(shape, value)
    return 'value' in outcome ? [] : outcome.issues
  }
}
