/** Stage 2, plan: limits as state.json keeps them. Pure. */
import { parseJson } from '../../config/json.js'
import type { Resources } from '../../config/types.js'
import { limitsOf, mergeLimits } from './limits.js'
import type { Limit } from './types.js'
import { unifiedLimits } from './unified.js'

/** JSON has no integers of 64 bits: they become their digits. */
export const savedLimits = (limits: readonly Limit[]): Limit[] =>
  limits.map((one) => (typeof one.value === 'bigint' ? { ...one, value: String(one.value) } : one))

/** Limits from the text of `linux.resources`, which earlier versions of tsrun kept. @throws ConfigError */
export function olderLimits(text: string): Limit[] {
  const resources = parseJson(text) as Resources
  return mergeLimits(limitsOf(resources), unifiedLimits(resources))
}
