/** Stage 1, config: the JSON text of a config, for the copy that is kept of it. */
import type { ConfigDocument } from './types.js'

/** Marks digits that are to lose their quotes; no string of a config holds a NUL, which JSON writes as \u0000. */
const marker = '\0integer:'
const marked = /"\\u0000integer:(-?\d+)"/g

/** The JSON text of a config, which loadConfig reads again as the same: JSON.stringify refuses bigints. */
export function stringifyConfig(config: ConfigDocument): string {
  const text = JSON.stringify(config, (_name, value: unknown) =>
    typeof value === 'bigint' ? `${marker}${String(value)}` : value,
  )
  return text.includes(String.raw`\u0000integer:`) ? text.replaceAll(marked, '$1') : text
}
