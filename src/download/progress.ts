/** Download: how far a download is, as a line on a terminal. */
import { clearLine, cursorTo } from 'node:readline'
import type { WriteStream } from 'node:tty'

/** Milliseconds between two pictures. */
const pause = 100
const width = 30

/** Shows a bar; nothing where the stream is no terminal. */
export class Progress {
  readonly #stream: WriteStream
  readonly #total: number
  #done = 0
  #shown = 0

  constructor(stream: WriteStream, total: number) {
    this.#stream = stream
    this.#total = total
  }

  /** Bytes that have come, or that were not what they should be (negative). */
  add(bytes: number): void {
    this.#done += bytes
    if (performance.now() - this.#shown >= pause) this.#show()
  }

  #show(): void {
    if (!this.#stream.isTTY || this.#total === 0) return
    this.#shown = performance.now()
    const part = Math.min(1, Math.max(0, this.#done / this.#total))
    const bar = '='.repeat(Math.floor(part * width)).padEnd(width)
    cursorTo(this.#stream, 0)
    this.#stream.write(`[${bar}] ${(part * 100).toFixed(0).padStart(3)} % of ${(this.#total / 1e6).toFixed(1)} MB`)
  }

  /** Takes the line away. */
  end(): void {
    if (!this.#stream.isTTY) return
    cursorTo(this.#stream, 0)
    clearLine(this.#stream, 0)
  }
}
