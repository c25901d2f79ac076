/** Test support: just enough gRPC (HTTP/2 and protocol buffers) to ask an engine for something on its Unix socket. */
import { connect as connectSession, type ClientHttp2Session } from 'node:http2'
import { connect as connectSocket } from 'node:net'

/** A field of a message: text, number, or a message. A field that occurs several times is given several times. */
export type Field = readonly [number: number, value: string | number | readonly Field[]]

/** What a message has under a field number. */
export class Message {
  readonly #fields: readonly { number: number; value: Buffer | number }[]

  constructor(content: Buffer) {
    this.#fields = [...decode(content)]
  }

  /** A text; empty when not there. */
  text(number: number): string {
    const value = this.#value(number)
    return Buffer.isBuffer(value) ? value.toString() : ''
  }

  /** A number; 0 when not there. */
  number(number: number): number {
    const value = this.#value(number)
    return typeof value === 'number' ? value : 0
  }

  /** The first message within; empty when not there. */
  message(number: number): Message {
    return this.messages(number)[0] ?? new Message(Buffer.alloc(0))
  }

  /** All messages within under this number; a map is a list of messages with a key (1) and a value (2). */
  messages(number: number): Message[] {
    const values = this.#fields.filter((field) => field.number === number).map(({ value }) => value)
    return values.filter((value) => Buffer.isBuffer(value)).map((value) => new Message(value))
  }

  #value(number: number): Buffer | number | undefined {
    return this.#fields.find((field) => field.number === number)?.value
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  do {
    const low = Number(rest & 127n)
    rest >>= 7n
    bytes.push(rest > 0n ? low | 128 : low)
  } while (rest > 0n)
  return Buffer.from(bytes)
}

function encode(fields: readonly Field[]): Buffer {
  const parts = fields.map(([number, value]) => {
    if (typeof value === 'number') return Buffer.concat([varint(number << 3), varint(value)])
    const content = typeof value === 'string' ? Buffer.from(value) : encode(value)
    return Buffer.concat([varint((number << 3) | 2), varint(content.length), content])
  })
  return Buffer.concat(parts)
}

function* decode(content: Buffer): Generator<{ number: number; value: Buffer | number }> {
  let at = 0
  const read = (): number => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = content.readUInt8(at++)
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return Number(BigInt.asIntN(64, value))
    }
  }
  while (at < content.length) {
    const tag = read()
    const number = tag >> 3
    if ((tag & 7) === 0) yield { number, value: read() }
    else {
      // Lengths for wire types 1 and 5 are fixed.
      const length = (tag & 7) === 1 ? 8 : (tag & 7) === 5 ? 4 : read()
      yield { number, value: content.subarray(at, at + length) }
      at += length
    }
  }
}

/** A connection to an engine. */
export class GrpcClient {
  readonly #session: ClientHttp2Session

  constructor(socket: string) {
    this.#session = connectSession('http://localhost', { createConnection: () => connectSocket(socket) })
    this.#session.on('error', () => undefined)
  }

  /** Calls a method such as `/runtime.v1.RuntimeService/Version`. @throws with the engine's message */
  call(method: string, fields: readonly Field[] = []): Promise<Message> {
    const content = encode(fields)
    const head = Buffer.alloc(5)
    head.writeUInt32BE(content.length, 1)
    return new Promise((resolve, reject) => {
      const headers = { ':method': 'POST', ':path': method, 'content-type': 'application/grpc', te: 'trailers' }
      const stream = this.#session.request(headers)
      const received: Buffer[] = []
      let problem: string | undefined
      const look = (from: Record<string, unknown>): void => {
        const status = from['grpc-status']
        if (status !== undefined && status !== '0') problem = decodeURIComponent(String(from['grpc-message']))
      }
      stream.on('response', look)
      stream.on('trailers', look)
      stream.on('data', (part: Buffer) => received.push(part))
      stream.on('error', reject)
      stream.on('end', () => {
        if (problem === undefined) resolve(new Message(Buffer.concat(received).subarray(5)))
        else reject(new Error(`${method}: ${problem}`))
      })
      stream.end(Buffer.concat([head, content]))
    })
  }

  /** Ends the connection. */
  close(): void {
    this.#session.destroy()
  }
}
