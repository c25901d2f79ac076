/** Command line: the containers of `tsrun top` from one refresh to the next: who is there, and what they use. */
import { type CoreRuntime, type Gauge, type Gauges, isTsrunError, type Reading } from '../../core.js'
import { microseconds } from '../../native/binding.js'
import type { Row } from './table.js'

interface Watched {
  readonly gauges: Gauges
  now: Reading
  /** Counters of the look before, with its time. */
  before: Partial<Record<'cpu' | 'io', { readonly value: number; readonly at: number }>>
  rates: Partial<Record<'cpu' | 'io', number>>
}

/** Seconds between two looks that a rate is made of. */
const shortest = 0.1

/** Keeps the files of all containers open. */
export class Watch {
  readonly #runtime: CoreRuntime
  readonly #watched = new Map<string, Watched>()

  constructor(runtime: CoreRuntime) {
    this.#runtime = runtime
  }

  /** Opens the gauges of new containers and closes those of who has gone: one look at a directory. */
  async find(): Promise<void> {
    const ids = new Set<string>(this.#runtime.ids())
    for (const id of this.#watched.keys()) if (!ids.has(id)) this.#forget(id)
    for (const id of ids) {
      if (this.#watched.has(id)) continue
      try {
        this.#watched.set(id, { gauges: await this.#runtime.gauges(id), now: {}, before: {}, rates: {} })
      } catch (error) {
        // Gone since, half made, or broken: list tells of those.
        if (!isTsrunError(error)) throw error
      }
    }
  }

  /** Reads gauges of these containers, of all without a list. */
  read(wanted: ReadonlySet<Gauge>, ids: Iterable<string> = this.#watched.keys()): void {
    if (wanted.size === 0) return
    for (const id of [...ids]) {
      const one = this.#watched.get(id)
      if (one === undefined) continue
      const at = microseconds()
      const reading = one.gauges.read(wanted)
      if (reading === undefined) this.#forget(id)
      else this.#note(one, reading, at)
    }
  }

  /** All containers as they were read; those without a process have ended and are left out. */
  rows(): Row[] {
    return [...this.#watched]
      .filter(([, { now }]) => now.pids !== 0)
      .map(([id, { now, rates }]) => ({ id, now, cpu: rates.cpu, io: rates.io }))
  }

  close(): void {
    for (const id of [...this.#watched.keys()]) this.#forget(id)
  }

  #note(one: Watched, reading: Reading, at: number): void {
    one.now = { ...one.now, ...reading }
    for (const name of ['cpu', 'io'] as const) {
      const value = reading[name]
      if (value === undefined) continue
      const { [name]: before } = one.before
      const seconds = before === undefined ? 0 : (at - before.at) / 1e6
      if (before !== undefined) {
        // A key was pressed since: too short to tell a rate.
        if (seconds < shortest) continue
        const rate = Math.max(0, value - before.value) / seconds
        one.rates[name] = name === 'cpu' ? rate / 1e4 : rate
      }
      one.before[name] = { value, at }
    }
  }

  #forget(id: string): void {
    this.#watched.get(id)?.gauges.close()
    this.#watched.delete(id)
  }
}
