/**
 * D-Bus: a connection to a bus. One call at a time, each wait with a limit; it works with blocking waits as
 * well as on an event loop, which is the caller's `readable`.
 */
import { SystemdError } from '../errors.js'
import {
  closeFile,
  connectSocket,
  gather,
  openTimer,
  receiveBytes,
  sendBytes,
  waitReadable,
} from '../native/binding.js'
import { decodeMessage, encodeMessage, messageLength, messageType, type Message } from './message.js'

/** Which object of which service is called, and by which of its interfaces. */
export interface Target {
  readonly destination: string
  readonly path: string
  readonly interface: string
}

/** Waits until a descriptor is readable. */
export type Readable = (fd: number) => Promise<void>

const bus: Target = {
  destination: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
}

/** Signals that may be kept for somebody who asks later; more of them at once nobody has asked for. */
const keptSignals = 1024
const chunk = 64 * 1024

/** A connection to a D-Bus message bus. */
export class Connection {
  readonly #socket: number
  readonly #readable: Readable
  /** Milliseconds for each answer. */
  readonly #limit: number
  #serial = 0
  #received = new Uint8Array(0)
  readonly #signals: Message[] = []

  private constructor(socket: number, readable: Readable, limit: number) {
    this.#socket = socket
    this.#readable = readable
    this.#limit = limit
  }

  /**
   * Connects to the bus at a Unix socket and says hello.
   * @param limit - milliseconds to wait for each answer
   * @throws SyscallError when nobody listens there, SystemdError when the bus refuses or does not answer
   */
  static async open(path: string, readable: Readable, limit: number): Promise<Connection> {
    const connection = new Connection(connectSocket(path, 'stream'), readable, limit)
    try {
      await connection.#authenticate()
      await connection.call(bus, 'Hello', '', [])
    } catch (error) {
      connection.close()
      throw error
    }
    return connection
  }

  /** Closes the connection; calls and signals still outstanding are forgotten. */
  close(): void {
    closeFile(this.#socket)
  }

  /**
   * Calls a method and waits for its answer.
   * @throws SystemdError with the name of the D-Bus error, or when the answer does not come within the limit
   */
  async call(target: Target, member: string, signature: string, body: readonly unknown[]): Promise<readonly unknown[]> {
    const serial = ++this.#serial
    const bytes = encodeMessage(messageType.call, serial, { ...target, member, signature }, body)
    sendBytes(this.#socket, bytes)
    const answer = await this.#next(`the answer to ${member}`, (message) => {
      if (message.type === messageType.signal) this.#keep(message)
      return message.replyTo === serial && (message.type === messageType.reply || message.type === messageType.error)
    })
    if (answer.type === messageType.reply) return answer.body
    const [text] = answer.body
    throw new SystemdError(`systemd ${member}: ${typeof text === 'string' ? text : answer.error}`, answer.error)
  }

  /** Has the bus send the signals that a rule names (D-Bus specification, "Match Rules"). @throws SystemdError */
  async subscribe(rule: string): Promise<void> {
    await this.call(bus, 'AddMatch', 's', [rule])
  }

  /** The first signal that fits, also one that has come already. @throws SystemdError when none comes within the limit */
  async signal(what: string, fits: (message: Message) => boolean): Promise<Message> {
    const at = this.#signals.findIndex(fits)
    const [kept] = at < 0 ? [] : this.#signals.splice(at, 1)
    return kept ?? this.#next(what, (message) => message.type === messageType.signal && fits(message))
  }

  #keep(message: Message): void {
    if (this.#signals.push(message) > keptSignals) this.#signals.shift()
  }

  /**
   * Without an identity the bus takes that of the socket's peer (SO_PEERCRED): the own uid is not that which the bus
   * sees when this process is in a user namespace.
   */
  async #authenticate(): Promise<void> {
    sendBytes(this.#socket, new TextEncoder().encode('\0AUTH EXTERNAL\r\n'))
    await this.#line('DATA')
    sendBytes(this.#socket, new TextEncoder().encode('DATA\r\n'))
    await this.#line('OK')
    sendBytes(this.#socket, new TextEncoder().encode('BEGIN\r\n'))
  }

  async #line(expected: string): Promise<void> {
    const end = await this.#until('the authentication', (bytes) => {
      const at = bytes.indexOf(0x0a)
      return at < 0 ? undefined : at + 1
    })
    const line = new TextDecoder().decode(end).trim()
    if (line.split(' ')[0] !== expected) throw failure(`the bus answered ${JSON.stringify(line)} to the authentication`)
  }

  async #next(what: string, fits: (message: Message) => boolean): Promise<Message> {
    for (;;) {
      const message = understood(await this.#until(what, (bytes) => understood(bytes, messageLength)), decodeMessage)
      if (fits(message)) return message
    }
  }

  /** The first bytes received, as many as `lengthOf` says once it can. */
  async #until(what: string, lengthOf: (bytes: Uint8Array) => number | undefined): Promise<Uint8Array> {
    const timer = openTimer(this.#limit, { repeat: false })
    const either = gather([this.#socket, timer])
    try {
      for (;;) {
        const length = lengthOf(this.#received)
        if (length !== undefined && length <= this.#received.length) {
          const found = this.#received.slice(0, length)
          this.#received = this.#received.slice(length)
          return found
        }
        await this.#readable(either)
        const more = receiveBytes(this.#socket, chunk)
        if (more?.length === 0) throw failure(`the bus closed the connection before ${what}`)
        if (more !== undefined) this.#received = concatenated(this.#received, more)
        else if (waitReadable(timer, 0)) throw failure(`${what} has not come in ${this.#limit / 1000} seconds`)
      }
    } finally {
      closeFile(either)
      closeFile(timer)
    }
  }
}

/** What a decoder makes of bytes of the bus. @throws SystemdError where they are no message */
function understood<T>(bytes: Uint8Array, decode: (bytes: Uint8Array) => T): T {
  try {
    return decode(bytes)
  } catch (error) {
    throw failure((error as Error).message)
  }
}

const failure = (message: string): SystemdError =>
  new SystemdError(`the D-Bus connection to systemd failed: ${message}`)

function concatenated(one: Uint8Array, other: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(one.length + other.length)
  both.set(one)
  both.set(other, one.length)
  return both
}
