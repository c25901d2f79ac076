/** Command line: a terminal that is filled by one program, and is as it was before when that ends, however it ends. */
import {
  closeFile,
  drain,
  gather,
  nextSignal,
  openSignals,
  openTimer,
  readKeys,
  setKeyMode,
  suspend,
  terminalSize,
  waitReadable,
} from '../../native/binding.js'
import { printOut } from '../output.js'

const signal = { hup: 1, int: 2, quit: 3, term: 15, tstp: 20, winch: 28 } as const

const enter = '\x1b[?1049h\x1b[?25l'
const leave = '\x1b[?25h\x1b[?1049l'

/** What has happened to a screen. */
export type Happening =
  | { readonly kind: 'keys'; readonly keys: string }
  | { readonly kind: 'end'; readonly status: number }
  | { readonly kind: 'refresh' | 'resize' }

/** Keyboard, signals and time as one stream. */
export class Screen {
  readonly #signals = openSignals([signal.hup, signal.int, signal.quit, signal.term, signal.tstp, signal.winch])
  readonly #timer: number
  readonly #any: number
  readonly #interactive: boolean

  /** `interval`: milliseconds between two refreshes; `interactive`: it has the terminal for itself. */
  constructor(interval: number, interactive: boolean) {
    this.#interactive = interactive
    this.#timer = openTimer(interval, { repeat: true })
    this.#any = gather([this.#signals, this.#timer, ...(interactive ? [0] : [])])
    if (interactive) this.#take()
  }

  /** Columns and rows; of something that is no terminal a common size. */
  get size(): { columns: number; rows: number } {
    return (this.#interactive ? terminalSize(1) : undefined) ?? { columns: 100, rows: 1 << 16 }
  }

  /** Shows these lines in place of what was there, in one write. */
  show(lines: readonly string[]): void {
    printOut(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\r\n')}\x1b[J`)
  }

  /** Waits for what happens next. */
  next(): Happening {
    for (;;) {
      waitReadable(this.#any)
      const number = nextSignal(this.#signals)
      if (number === signal.winch) return { kind: 'resize' }
      if (number === signal.tstp) {
        this.#suspend()
        return { kind: 'resize' }
      }
      if (number !== undefined) return { kind: 'end', status: number === signal.int ? 0 : 128 + number }
      if (this.#interactive && waitReadable(0, 0)) {
        const keys = readKeys(0)
        return keys === '' ? { kind: 'end', status: 0 } : { kind: 'keys', keys }
      }
      if (waitReadable(this.#timer, 0)) {
        drain(this.#timer)
        return { kind: 'refresh' }
      }
    }
  }

  /** Gives the terminal back. */
  close(): void {
    if (this.#interactive) this.#release()
    for (const fd of [this.#any, this.#timer, this.#signals]) closeFile(fd)
  }

  #take(): void {
    setKeyMode(0, true)
    printOut(enter)
  }

  #release(): void {
    setKeyMode(0, false)
    try {
      printOut(leave)
    } catch {
      // The terminal has gone.
    }
  }

  #suspend(): void {
    if (this.#interactive) this.#release()
    suspend()
    if (this.#interactive) this.#take()
  }
}
