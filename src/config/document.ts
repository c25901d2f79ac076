/** Stage 1, config: from a value of unknown shape to one that is known, or to every problem of it. */
import { ConfigError } from '../errors.js'
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

/** Reads a value of any shape, such as the `process` that `exec` is given. Throws ConfigError. */
export async function readAs<T>(shape: Shape<T>, value: unknown): Promise<T> {
  if (matches(shape, value)) return value
  const { read } = await import('./schema/zod.js')
  const outcome = read(shape, value)
  if ('value' in outcome) return outcome.value
  throw ConfigError.from(outcome.issues)
}
