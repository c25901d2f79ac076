/**
 * Stage 1, config: valid fields that this version of tsrun cannot do. Each is refused by name, since a
 * limit that is silently ignored is worse than an error. What becomes possible is deleted from here.
 */
import type { ConfigIssue } from '../errors.js'
import { type Path, pointer } from './pointer.js'
import type { ConfigDocument } from './types.js'

/** One issue for each field of the document that is not supported. */
export function checkUnsupported(config: ConfigDocument): ConfigIssue[] {
  const issues: ConfigIssue[] = []
  for (const field of unsupportedFields) {
    field(config, (at) => issues.push({ pointer: pointer(at), message: 'not supported by this version of tsrun' }))
  }
  return issues
}

/** Refuses one field wherever the document uses it. */
type Field = (config: ConfigDocument, refuse: (at: Path) => void) => void

/** Even an empty object asks for a group of the container's own. */
const intelRdt: Field = (config, refuse) => {
  if (config.linux?.intelRdt !== undefined) refuse(['linux', 'intelRdt'])
}

const unsupportedFields: readonly Field[] = [intelRdt]
