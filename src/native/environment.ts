/** The environment of this process as it came, on every engine. */
import { isStandalone } from './addon.js'
import { readFileIfAny } from './files.js'

/** What Node.js and Bun have put in the place of bytes that are not UTF-8; our own strings have a lone surrogate for each of them. */
const replaced = /[\ufffd\udc80-\udcff]+/g

const seen = (text: string): string => text.replace(replaced, '\ufffd')
const nameOf = (entry: string): string => entry.slice(0, entry.indexOf('='))

/**
 * `NAME=value` of all variables. Those that are not UTF-8 are those that the process has begun with: of such values Node.js
 * and Bun tell less, such names Node.js leaves out, and Bun has others without their values. @throws SyscallError
 */
export function environment(): string[] {
  const all = Object.entries(process.env)
  const entry = ([name, value = '']: (typeof all)[number]): string => `${name}=${value}`
  if (isStandalone()) return all.map(entry)
  const first = (readFileIfAny('/proc/self/environ') ?? '').split('\0').filter((entry) => entry.includes('='))
  const lost = first.filter((entry) => seen(nameOf(entry)) !== nameOf(entry))
  const isOther = (name: string): boolean =>
    lost.some((entry) => seen(nameOf(entry)) === seen(name)) && !first.some((entry) => nameOf(entry) === name)
  const now = all
    .filter(([name]) => !isOther(name))
    .map(entry)
    .map((text) => (text.includes('\ufffd') ? (first.find((one) => seen(one) === seen(text)) ?? text) : text))
  return [...now, ...lost.filter((entry) => !now.includes(entry))]
}
