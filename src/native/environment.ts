/** The environment of this process as it came, on every engine. */
import { readFile } from './files.js'

/** What Node.js has put in the place of bytes that are not UTF-8; our own strings have a lone surrogate for each of them. */
const replaced = /[\ufffd\udc80-\udcff]+/g

const same = (one: string, other: string): boolean =>
  one.replace(replaced, '\ufffd') === other.replace(replaced, '\ufffd')

/** `NAME=value` of all variables. Those that are not UTF-8 are those that the process has begun with. @throws SyscallError */
export function environment(): string[] {
  const now = Object.entries(process.env).map(([name, value = '']) => `${name}=${value}`)
  if (!now.some((entry) => entry.includes('\ufffd'))) return now
  const first = readFile('/proc/self/environ').split('\0')
  return now.map((entry) => (entry.includes('\ufffd') ? (first.find((one) => same(one, entry)) ?? entry) : entry))
}
