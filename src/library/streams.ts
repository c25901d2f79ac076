/** Library: pipes and terminals as streams of Node.js, over descriptors that never block. */
import { Duplex, Readable, Writable } from 'node:stream'
import { closeFile } from '../native/binding.js'
import {
  holdLoop,
  readBytes,
  setNonBlocking,
  setTerminalSize,
  whenReady,
  writeBytes,
  type readiness,
} from '../native/event-loop.js'

/** A size in characters, 1 to 65535. */
export interface TerminalSize {
  readonly cols: number
  readonly rows: number
}

/** One descriptor that is read, written, or both; closed once, by its owner. */
class Channel {
  #fd: number
  /** Ends of the waits that are under way. */
  readonly #waits = new Set<() => void>()

  constructor(fd: number) {
    this.#fd = fd
    setNonBlocking(fd)
  }

  get fd(): number {
    return this.#fd
  }

  /** Calls back when the descriptor is ready, and keeps the event loop alive until then. */
  #when(what: keyof typeof readiness, callback: () => void): void {
    const release = holdLoop()
    const cancel = whenReady(this.#fd, what, () => {
      end()
      callback()
    })
    const end = (): void => {
      cancel()
      release()
      this.#waits.delete(end)
    }
    this.#waits.add(end)
  }

  /** Pushes what is there into a stream, until that has enough: it asks again when it wants more. */
  read(stream: Readable): void {
    for (;;) {
      if (this.#fd < 0) return
      const bytes = readBytes(this.#fd)
      if (bytes === undefined) {
        this.#when('read', () => attempt(stream, () => this.read(stream)))
        return
      }
      if (!stream.push(bytes.length === 0 ? null : bytes) || bytes.length === 0) return
    }
  }

  /** Writes all of some bytes, then calls back. */
  write(stream: Writable, bytes: Uint8Array, callback: (error?: Error | null) => void, offset = 0): void {
    for (let at = offset; this.#fd >= 0;) {
      at += writeBytes(this.#fd, bytes, at)
      if (at === bytes.length) {
        callback()
        return
      }
      const rest = at
      this.#when('write', () => attempt(stream, () => this.write(stream, bytes, callback, rest)))
      return
    }
  }

  close(): void {
    for (const end of this.#waits) end()
    if (this.#fd >= 0) closeFile(this.#fd)
    this.#fd = -1
  }
}

/** What a stream can't do is told by the stream. */
function attempt(stream: Readable | Writable, work: () => void): void {
  try {
    work()
  } catch (error) {
    stream.destroy(error as Error)
  }
}

/** Takes over the read end of a pipe. */
export function readPipe(fd: number): Readable {
  const channel = new Channel(fd)
  return new Readable({
    read() {
      attempt(this, () => channel.read(this))
    },
    destroy(error, callback) {
      channel.close()
      callback(error)
    },
  })
}

/** Takes over the write end of a pipe; `end` closes it. */
export function writePipe(fd: number): Writable {
  const channel = new Channel(fd)
  return new Writable({
    decodeStrings: true,
    write(chunk: Uint8Array, _, callback) {
      attempt(this, () => channel.write(this, chunk, callback))
    },
    final(callback) {
      channel.close()
      callback()
    },
    destroy(error, callback) {
      channel.close()
      callback(error)
    },
  })
}

/** The side of a terminal that a program of the host has: what the container shows is read, keys are written. */
export class Terminal extends Duplex {
  readonly #channel: Channel

  /** Takes the ptmx over. */
  constructor(ptmx: number) {
    super({ allowHalfOpen: false, decodeStrings: true })
    this.#channel = new Channel(ptmx)
  }

  /** Gives it another size; its foreground process gets SIGWINCH. @throws SyscallError */
  resize({ cols, rows }: TerminalSize): void {
    setTerminalSize(this.#channel.fd, cols, rows)
  }

  override _read(): void {
    attempt(this, () => this.#channel.read(this))
  }

  override _write(chunk: Uint8Array, _: string, callback: (error?: Error | null) => void): void {
    attempt(this, () => this.#channel.write(this, chunk, callback))
  }

  /** The end of the input is ^D, as with script(1). */
  override _final(callback: (error?: Error | null) => void): void {
    if (this.readableEnded || this.destroyed) callback()
    else attempt(this, () => this.#channel.write(this, Uint8Array.of(4), callback))
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#channel.close()
    callback(error)
  }
}
