/** D-Bus: messages, that is a header and a body (D-Bus specification, "Message Format"). */
import { Reader, Writer } from './marshal.js'
import type { Variant } from './signature.js'

/** Types of messages. */
export const messageType = { call: 1, reply: 2, error: 3, signal: 4 } as const

/** Header fields that tsrun uses, with their code and type, in systemd's order. */
const fields = {
  path: [1, 'o'],
  member: [3, 's'],
  interface: [2, 's'],
  destination: [6, 's'],
  error: [4, 's'],
  replyTo: [5, 'u'],
  sender: [7, 's'],
  signature: [8, 'g'],
} as const

/** The header fields of a message; which are there depends on its type. */
export interface Header {
  readonly path?: string
  readonly interface?: string
  readonly member?: string
  /** Name of an error. */
  readonly error?: string
  /** Serial of the call that is answered. */
  readonly replyTo?: number
  readonly destination?: string
  readonly sender?: string
  /** Types of the body; without it there is none. */
  readonly signature?: string
}

/** A message that was received. */
export interface Message extends Header {
  readonly type: number
  readonly serial: number
  readonly body: readonly unknown[]
}

const littleEndian = 'l'.charCodeAt(0)
const protocolVersion = 1
const bodyLengthPlace = 4
/** Bytes before the header fields, and the length of their array. */
const fixedLength = 16
const longestMessage = 1 << 27

/** Bytes of a message. @throws TypeError, RangeError for a body that its signature cannot hold */
export function encodeMessage(type: number, serial: number, header: Header, body: readonly unknown[]): Uint8Array {
  const writer = new Writer()
  const given = Object.entries(fields).flatMap(([name, [code, signature]]) => {
    const value = header[name as keyof Header]
    return value === undefined || value === '' ? [] : [[code, { signature, value } satisfies Variant]]
  })
  writer.all('yyyyuua(yv)', [littleEndian, type, 0, protocolVersion, 0, serial, given])
  writer.align(8)
  const start = writer.bytes.length
  writer.all(header.signature ?? '', body)
  writer.patch(bodyLengthPlace, writer.bytes.length - start)
  return writer.bytes
}

/** How many bytes a message has that begins with these; undefined while they are too few to say. @throws RangeError */
export function messageLength(bytes: Uint8Array): number | undefined {
  if (bytes.length < fixedLength) return undefined
  // Every machine of the bus writes as it likes; a bus on this machine writes as this machine does.
  if (bytes[0] !== littleEndian || bytes[3] !== protocolVersion) throw new RangeError('this is not a D-Bus message')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const headerLength = Math.ceil((fixedLength + view.getUint32(12, true)) / 8) * 8
  const length = headerLength + view.getUint32(bodyLengthPlace, true)
  if (length > longestMessage) throw new RangeError('a D-Bus message is longer than 128 MiB')
  return length
}

/** The message in these bytes, which are all of it. @throws RangeError, TypeError for what is none */
export function decodeMessage(bytes: Uint8Array): Message {
  const reader = new Reader(bytes)
  const [, type, , , , serial, given] = reader.all('yyyyuua(yv)') as [
    number,
    number,
    number,
    number,
    number,
    number,
    [number, Variant][],
  ]
  const header: Record<string, unknown> = {}
  for (const [code, { value }] of given) {
    const known = Object.entries(fields).find(([, [number]]) => number === code)
    if (known !== undefined) header[known[0]] = value
  }
  reader.align(8)
  const signature = typeof header.signature === 'string' ? header.signature : ''
  return { ...(header as Header), type, serial, body: reader.all(signature) }
}
