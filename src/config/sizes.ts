/** Stage 1, config: amounts of memory with suffixes, as runc and Docker take them. Pure. */
import { UsageError } from '../errors.js'

const factors: Readonly<Record<string, number>> = { '': 0, k: 1, m: 2, g: 3, t: 4, p: 5 }

/**
 * Bytes: `1048576`, `512m`, `1.5GiB`, `100 kB` (all factors are 1024), or -1 for unlimited.
 * @throws UsageError that names the flag
 */
export function parseSize(flag: string, text: string): number {
  if (text === '-1') return -1
  const [, number, suffix = ''] = /^(\d+(?:\.\d+)?) ?([kmgtp])?i?b?$/i.exec(text) ?? []
  const bytes = Math.floor(Number(number) * 1024 ** (factors[suffix.toLowerCase()] ?? 0))
  if (number === undefined || !Number.isSafeInteger(bytes)) {
    throw new UsageError(`invalid value for ${flag}: invalid size: ${JSON.stringify(text)}`)
  }
  return bytes
}

/** An integer of 64 bits, exact. @throws UsageError that names the flag */
export function parseInt64(flag: string, text: string, options: { readonly signed: boolean }): number | bigint {
  if (!/^[+-]?\d{1,20}$/.test(text) || (!options.signed && text.startsWith('-'))) {
    throw new UsageError(`invalid value for ${flag}: ${JSON.stringify(text)} is not an integer`)
  }
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : BigInt(text)
}
