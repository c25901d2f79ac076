/**
 * CRIU: protobuf messages to bytes and back, by tables of field numbers. 1.2 KB minified; what a library adds to an executable
 * that holds all its code: pbf 5.1 9.4 KB, and the tables' loop over its readers and writers stays; @bufbuild/protobuf 2 68 KB;
 * protobufjs 107 KB, which makes its code by `Function`, and QuickJS here runs no such code. CRIU's messages need numbers,
 * booleans, texts, messages, and lists of them.
 */

/** Field numbers by name; a message has the table of its own fields beside its number. */
export interface Schema {
  readonly [name: string]: number | readonly [number, Schema]
}

/** A message: members that are undefined are not sent. Numbers are from 0 on. */
export interface Message {
  readonly [name: string]: Value | readonly Value[] | undefined
}

type Value = number | boolean | string | Message

/** Wire types of the protobuf encoding. */
const wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

function pushVarint(out: number[], value: number): void {
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) out.push((rest % 0x80) | 0x80)
  out.push(rest)
}

function pushField(out: number[], field: Schema[string], value: Value): void {
  const [number, inner] = typeof field === 'number' ? [field] : field
  if (typeof value === 'number' || typeof value === 'boolean') {
    pushVarint(out, number * 8 + wire.varint)
    pushVarint(out, Number(value))
    return
  }
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : encode(inner ?? {}, value)
  pushVarint(out, number * 8 + wire.bytes)
  pushVarint(out, bytes.length)
  for (const byte of bytes) out.push(byte)
}

/** The bytes of a message. @throws TypeError for a member that its schema does not have */
export function encode(schema: Schema, message: Message): Uint8Array {
  const out: number[] = []
  for (const [name, value] of Object.entries(message)) {
    const field = schema[name]
    if (field === undefined) throw new TypeError(`no field ${name}`)
    if (value === undefined) continue
    for (const one of Array.isArray(value) ? (value as readonly Value[]) : [value as Value]) pushField(out, field, one)
  }
  return Uint8Array.from(out)
}

/** The fields of a message that the schema knows; of several with one number the last. @throws RangeError for half a message */
export function decode(schema: Schema, bytes: Uint8Array): Message {
  const names = new Map(Object.entries(schema).map(([name, field]) => [numberOf(field), name]))
  const message: Record<string, Value> = {}
  let at = 0
  const varint = (): number => {
    for (let value = 0, scale = 1; ; scale *= 0x80) {
      const byte = bytes[at++]
      if (byte === undefined) throw new RangeError('a message of CRIU ends too early')
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
  }
  while (at < bytes.length) {
    const key = varint()
    const [number, type] = [Math.floor(key / 8), key % 8]
    const value = type === wire.varint ? varint() : undefined
    const size = type === wire.bytes ? varint() : type === wire.fixed64 ? 8 : type === wire.fixed32 ? 4 : 0
    const part = bytes.subarray(at, at + size)
    at += size
    if (at > bytes.length) throw new RangeError('a message of CRIU ends too early')
    const name = names.get(number)
    if (name === undefined) continue
    const field = schema[name]
    message[name] = value ?? (typeof field === 'object' ? decode(field[1], part) : new TextDecoder().decode(part))
  }
  return message
}

const numberOf = (field: Schema[string]): number => (typeof field === 'number' ? field : field[0])
