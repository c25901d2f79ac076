/** Stage 4, launch: what a program needs to be executed, as its first bytes say it: elf(5), execve(2) "Interpreter scripts". */
import type { Bytes } from './view.js'

/** What execve(2) makes of a file. */
export type Format =
  | { readonly kind: 'elf'; readonly machine: number; readonly bits: 32 | 64; readonly interpreter?: string }
  | { readonly kind: 'script'; readonly interpreter: string; readonly carriageReturn: boolean }
  | { readonly kind: 'text' | 'empty' | 'unknown' }

/** The interpreter's line is read as far as the kernel reads it (BINPRM_BUF_SIZE). */
const lineLimit = 256

const textOf = (bytes: Uint8Array): string => {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}

const segment = { load: 1, dynamic: 2, interpreter: 3 } as const
const dynamicTag = { needed: 1, strings: 5, rpath: 15, runpath: 29 } as const

interface Segment {
  readonly type: number
  readonly offset: number
  readonly address: number
  readonly size: number
}

/** Reads numbers of an ELF file, of either size and byte order. */
class Elf {
  readonly #read: Bytes
  readonly #wide: boolean
  readonly #little: boolean
  readonly machine: number

  constructor(read: Bytes, head: Uint8Array) {
    this.#read = read
    this.#wide = head[4] === 2
    this.#little = head[5] !== 2
    this.machine = this.#number(head, 18, 2)
  }

  get bits(): 32 | 64 {
    return this.#wide ? 64 : 32
  }

  #number(bytes: Uint8Array, at: number, size: 2 | 4 | 8): number {
    if (at + size > bytes.length) return 0
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (size === 8) return Number(view.getBigUint64(at, this.#little))
    return size === 4 ? view.getUint32(at, this.#little) : view.getUint16(at, this.#little)
  }

  segments(): Segment[] {
    const head = this.#read(0, 64) ?? new Uint8Array()
    const [table, size, count] = this.#wide ? ([32, 54, 56] as const) : ([28, 42, 44] as const)
    const offset = this.#number(head, table, this.#wide ? 8 : 4)
    const entry = this.#number(head, size, 2)
    const all = this.#read(offset, Math.min(entry * this.#number(head, count, 2), 65536)) ?? new Uint8Array()
    const found: Segment[] = []
    for (let at = 0; entry > 0 && at + entry <= all.length; at += entry) {
      const [where, address, length] = this.#wide ? ([8, 16, 32] as const) : ([4, 8, 16] as const)
      const read = (place: number): number => this.#number(all, at + place, this.#wide ? 8 : 4)
      found.push({ type: this.#number(all, at, 4), offset: read(where), address: read(address), size: read(length) })
    }
    return found
  }

  text(offset: number, limit = 4096): string {
    const text = textOf(this.#read(offset, limit) ?? new Uint8Array())
    const end = text.indexOf('\0')
    return end < 0 ? text : text.slice(0, end)
  }

  /** Tag and value of each entry of the dynamic section. */
  dynamic(segments: readonly Segment[]): (readonly [number, number])[] {
    const { offset, size } = segments.find(({ type }) => type === segment.dynamic) ?? { offset: 0, size: 0 }
    const bytes = this.#read(offset, Math.min(size, 65536)) ?? new Uint8Array()
    const word = this.#wide ? 8 : 4
    const entries: (readonly [number, number])[] = []
    for (let at = 0; at + 2 * word <= bytes.length; at += 2 * word) {
      entries.push([this.#number(bytes, at, word), this.#number(bytes, at + word, word)])
    }
    return entries
  }
}

const isElf = (head: Uint8Array): boolean => textOf(head.subarray(0, 4)) === '\x7fELF'

/** What the file is, by its first bytes. */
export function formatOf(read: Bytes): Format {
  const head = read(0, lineLimit)
  if (head === undefined) return { kind: 'unknown' }
  if (head.length === 0) return { kind: 'empty' }
  if (isElf(head)) {
    const elf = new Elf(read, head)
    const found = elf.segments().find(({ type }) => type === segment.interpreter)
    const interpreter = found === undefined ? {} : { interpreter: elf.text(found.offset, found.size) }
    return { kind: 'elf', machine: elf.machine, bits: elf.bits, ...interpreter }
  }
  const text = textOf(head)
  if (!text.startsWith('#!')) return { kind: /^[\t\n\r\x20-\x7e\x80-\xff]*$/.test(text) ? 'text' : 'unknown' }
  const [line = ''] = text.slice(2).split('\n')
  const interpreter = line.trim().split(/[ \t]/)[0] ?? ''
  return { kind: 'script', interpreter: interpreter.replace(/\r$/, ''), carriageReturn: line.endsWith('\r') }
}

/** The libraries that an ELF file names, and where it wants them searched ($ORIGIN not yet replaced). */
export function librariesOf(read: Bytes): { readonly needed: readonly string[]; readonly places: readonly string[] } {
  const head = read(0, lineLimit) ?? new Uint8Array()
  if (!isElf(head)) return { needed: [], places: [] }
  const elf = new Elf(read, head)
  const segments = elf.segments()
  const entries = elf.dynamic(segments)
  const address = entries.find(([tag]) => tag === dynamicTag.strings)?.[1] ?? 0
  const holder = segments.find(
    (one) => one.type === segment.load && address - one.address < one.size && address >= one.address,
  )
  if (holder === undefined) return { needed: [], places: [] }
  const strings = address - holder.address + holder.offset
  const texts = (...tags: number[]): string[] =>
    entries.filter(([tag]) => tags.includes(tag)).map(([, value]) => elf.text(strings + value))
  return {
    needed: texts(dynamicTag.needed),
    places: texts(dynamicTag.rpath, dynamicTag.runpath).flatMap((path) => path.split(':')),
  }
}
