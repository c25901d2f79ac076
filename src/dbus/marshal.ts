/** D-Bus: values to bytes and back, little-endian (D-Bus specification, "Marshaling"). */
import { alignmentOf, completeTypes, type Variant } from './signature.js'

/** Longest array and longest message in bytes. */
const longestArray = 1 << 26

/** Appends values of types; the place of each counts from the beginning of the message. */
export class Writer {
  #bytes = new Uint8Array(1024)
  #view = new DataView(this.#bytes.buffer)
  #length = 0

  /** What was written so far. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Zeros up to a multiple of `alignment`. */
  align(alignment: number): void {
    const length = Math.ceil(this.#length / alignment) * alignment
    this.#reserve(length - this.#length)
    this.#length = length
  }

  /** Values for all types of a signature. @throws TypeError, RangeError for a value that its type cannot hold */
  all(signature: string, values: readonly unknown[]): void {
    const types = completeTypes(signature)
    if (types.length !== values.length)
      throw new TypeError(`${values.length} values for D-Bus signature "${signature}"`)
    types.forEach((type, at) => this.value(type, values[at]))
  }

  /** One value of one complete type. @throws TypeError, RangeError */
  value(type: string, value: unknown): void {
    this.align(alignmentOf(type))
    switch (type[0]) {
      case 'a': {
        this.#array(type.slice(1), value as Iterable<unknown>)
        return
      }
      case '(':
      case '{': {
        this.all(type.slice(1, -1), value as readonly unknown[])
        return
      }
      case 'v': {
        const { signature, value: inner } = value as Variant
        this.#text(signature, 1)
        this.value(signature, inner)
        return
      }
      case 's':
      case 'o': {
        this.#text(value as string, 4)
        return
      }
      case 'g': {
        this.#text(value as string, 1)
        return
      }
      default: {
        this.#number(type, value as number | bigint | boolean)
        return
      }
    }
  }

  /** Overwrites a 32-bit number at `place`. */
  patch(place: number, value: number): void {
    this.#view.setUint32(place, value, true)
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + more))
    larger.set(this.#bytes)
    this.#bytes = larger
    this.#view = new DataView(larger.buffer)
  }

  #number(type: string, value: number | bigint | boolean): void {
    const size = alignmentOf(type)
    this.#reserve(size)
    putNumber(this.#view, this.#length, type, value)
    this.#length += size
  }

  #text(value: string, lengthSize: 1 | 4): void {
    if (value.includes('\0')) throw new TypeError(`D-Bus text with a NUL byte: ${JSON.stringify(value)}`)
    const text = new TextEncoder().encode(value)
    this.#number(lengthSize === 4 ? 'u' : 'y', text.length)
    this.#reserve(text.length + 1)
    this.#bytes.set(text, this.#length)
    this.#length += text.length
    this.#bytes[this.#length++] = 0
  }

  #array(type: string, values: Iterable<unknown>): void {
    this.#number('u', 0)
    const place = this.#length - 4
    this.align(alignmentOf(type))
    const start = this.#length
    for (const value of values) this.value(type, value)
    if (this.#length - start > longestArray) throw new RangeError('a D-Bus array is longer than 64 MiB')
    this.patch(place, this.#length - start)
  }
}

/** Inclusive ranges of the types whose numbers are no bigint. */
const ranges: Readonly<Record<string, readonly [lowest: number, highest: number]>> = {
  y: [0, 0xff],
  n: [-0x8000, 0x7fff],
  q: [0, 0xffff],
  i: [-0x80000000, 0x7fffffff],
  u: [0, 0xffffffff],
  h: [0, 0xffffffff],
}

function putNumber(view: DataView, at: number, type: string, value: number | bigint | boolean): void {
  if (type === 'b') {
    view.setUint32(at, value === true ? 1 : 0, true)
    return
  }
  if (type === 'd') {
    view.setFloat64(at, Number(value), true)
    return
  }
  if (type === 'x' || type === 't') {
    const number = BigInt(value)
    const held = type === 'x' ? BigInt.asIntN(64, number) : BigInt.asUintN(64, number)
    if (held !== number) throw new RangeError(`D-Bus type ${type} cannot hold ${number}`)
    view.setBigUint64(at, BigInt.asUintN(64, number), true)
    return
  }
  const number = Number(value)
  const [lowest, highest] = ranges[type] ?? [0, -1]
  if (!Number.isInteger(number) || number < lowest || number > highest) {
    throw new RangeError(`D-Bus type ${type} cannot hold ${String(value)}`)
  }
  if (type === 'y') view.setUint8(at, number)
  else if (type === 'n' || type === 'q') view.setUint16(at, number & 0xffff, true)
  else view.setUint32(at, number >>> 0, true)
}

/** Reads values from a message; each length is checked. */
export class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at: number

  /** @param at - where to begin; alignment counts from the beginning of `bytes` */
  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#at = at
  }

  /** Values for all types of a signature. @throws RangeError where the message is too short */
  all(signature: string): unknown[] {
    return completeTypes(signature).map((type) => this.value(type))
  }

  /** One value: `x` and `t` are bigint, a variant is a `Variant`, an array of bytes a Uint8Array. @throws RangeError */
  value(type: string): unknown {
    this.align(alignmentOf(type))
    switch (type[0]) {
      case 'a':
        return this.#array(type.slice(1))
      case '(':
      case '{':
        return this.all(type.slice(1, -1))
      case 'v': {
        const signature = this.#text(this.#number('y') as number)
        if (completeTypes(signature).length !== 1) throw new RangeError('a D-Bus variant is not of one type')
        return { signature, value: this.value(signature) } satisfies Variant
      }
      case 's':
      case 'o':
        return this.#text(this.#number('u') as number)
      case 'g':
        return this.#text(this.#number('y') as number)
      default:
        return this.#number(type)
    }
  }

  /** Goes on at the next multiple of `alignment`. */
  align(alignment: number): void {
    this.#at = Math.ceil(this.#at / alignment) * alignment
  }

  #take(size: number): number {
    const at = this.#at
    if (size > this.#bytes.length - at) throw new RangeError('a D-Bus message is shorter than it says')
    this.#at += size
    return at
  }

  #number(type: string): number | bigint | boolean {
    const view = this.#view
    const at = this.#take(alignmentOf(type))
    if (type === 'b') return view.getUint32(at, true) !== 0
    if (type === 'd') return view.getFloat64(at, true)
    if (type === 'x') return view.getBigInt64(at, true)
    if (type === 't') return view.getBigUint64(at, true)
    if (type === 'y') return view.getUint8(at)
    if (type === 'n') return view.getInt16(at, true)
    if (type === 'q') return view.getUint16(at, true)
    return type === 'i' ? view.getInt32(at, true) : view.getUint32(at, true)
  }

  #text(length: number): string {
    const at = this.#take(length + 1)
    return new TextDecoder().decode(this.#bytes.subarray(at, at + length))
  }

  #array(type: string): unknown {
    const length = this.#number('u') as number
    this.align(alignmentOf(type))
    const end = this.#take(length) + length
    this.#at = end - length
    if (type === 'y') return this.#bytes.slice(this.#take(length), end)
    const values: unknown[] = []
    while (this.#at < end) values.push(this.value(type))
    if (this.#at !== end) throw new RangeError('a D-Bus array does not end with its last value')
    return values
  }
}
