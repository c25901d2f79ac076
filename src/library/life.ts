/** Library: how long a process may live: a time-out, an AbortSignal. */
import { sigkill } from '../config/vocabulary/signals.js'
import { signalNumber, type Signal } from './options.js'

/** What ends a process before it ends by itself. */
export interface LifeOptions {
  /** Milliseconds from its start on, above 0. */
  readonly timeout?: number
  /** What ends it then, or when `signal` is aborted; default SIGKILL. */
  readonly killSignal?: Signal
  /** Ends it. Aborted before it runs, the call is rejected with the signal's reason. */
  readonly signal?: AbortSignal
}

/**
 * What a call comes to; as soon as `signal` is aborted it is rejected with its reason, and `stop` called. What the call does
 * goes on, and how it ends is nobody's affair any more. @throws the reason of `signal`
 */
export async function untilAborted<T>(
  signal: AbortSignal | undefined,
  call: () => Promise<T>,
  stop: () => void = () => undefined,
): Promise<T> {
  signal?.throwIfAborted()
  if (signal === undefined) return call()
  let onAbort = (): void => undefined
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      stop()
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([call(), aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** The limits of a life that has begun. */
export class Life {
  timedOut = false
  readonly #options: LifeOptions
  readonly #kill: (signal: number) => void
  #timer: NodeJS.Timeout | undefined
  readonly #onAbort = (): void => this.#end()

  /** `kill` sends a signal, and does nothing when the process has ended. */
  constructor(options: LifeOptions, kill: (signal: number) => void) {
    this.#options = options
    this.#kill = kill
  }

  /** Before it begins. @throws the reason of `signal` */
  throwIfAborted(): void {
    this.#options.signal?.throwIfAborted()
  }

  /** The time begins now. */
  begin(): void {
    const { timeout, signal } = this.#options
    if (timeout !== undefined) {
      this.#timer = setTimeout(() => {
        this.timedOut = true
        this.#end()
      }, timeout)
      this.#timer.unref()
    }
    if (signal?.aborted) this.#end()
    else signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  #end(): void {
    this.#kill(this.#options.killSignal === undefined ? sigkill : signalNumber(this.#options.killSignal))
  }

  /** The process has ended. */
  over(): void {
    clearTimeout(this.#timer)
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
  }
}
