/** Stage 1, config: durations as Go's time.ParseDuration reads them. Pure. */
import { UsageError } from '../errors.js'

/** Milliseconds in a unit. */
const units: Readonly<Record<string, number>> = {
  ...{ ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 },
}

const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y

/**
 * Milliseconds of a duration such as `5s`, `1m30s`, `1.5h`, `-1s`, `0`; `option` is for the message.
 *
 * @throws UsageError in the words of Go's flag package.
 */
export function parseDuration(option: string, text: string): number {
  const unsigned = text.replace(/^[+-]/, '')
  const sign = text.startsWith('-') ? -1 : 1
  if (unsigned === '0') return 0
  let sum = 0
  part.lastIndex = 0
  while (part.lastIndex < unsigned.length) {
    const [, number, unit] = part.exec(unsigned) ?? []
    if (number === undefined || unit === undefined) break
    sum += Number(number) * (units[unit] ?? 0)
    if (part.lastIndex === unsigned.length) return sign * sum
  }
  throw new UsageError(`invalid value ${JSON.stringify(text)} for flag -${option}: parse error`)
}
