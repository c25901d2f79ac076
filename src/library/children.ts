/** Library: processes that are children of this program. Each is reaped when it ends, whoever waits, or nobody. */
import { closeFile, reapProcess, signalProcess, type ExitStatus } from '../native/binding.js'
import { holdLoop, whenEnded } from '../native/event-loop.js'
import { untilAborted } from './life.js'

/** How a process ended: exactly one of `code` and `signal` is a number, none when another process was its parent. */
export interface ProcessExit {
  /** Exit status, 0 to 255. */
  readonly code: number | null
  /** Number of the signal that has killed it. */
  readonly signal: number | null
}

/** What is known of the end of somebody else's child. */
export const unknownExit: ProcessExit = { code: null, signal: null }

const toExit = (status: ExitStatus | null | undefined): ProcessExit =>
  status === null || status === undefined ? unknownExit : { ...unknownExit, ...status }

/** Those of this thread that have not ended, by pid, which is nobody else's until they are reaped. */
const children = new Map<number, Child>()

/** The child with this pid; undefined for a process that is none, and for one that has ended. */
export const childOf = (pid: number): Child | undefined => children.get(pid)

/** A process that ends some time, watched by its pidfd. */
export class Child {
  readonly pid: number
  #pidfd: number
  readonly #ended: Promise<ProcessExit>
  #resolve!: (exit: ProcessExit) => void
  readonly #cancel: () => void

  /** Takes the pidfd over. `own`: it is a child of this process, so that its exit status is ours to take. */
  constructor(pid: number, pidfd: number, { own }: { readonly own: boolean }) {
    this.pid = pid
    this.#pidfd = pidfd
    this.#ended = new Promise((resolve) => (this.#resolve = resolve))
    if (own) children.set(pid, this)
    this.#cancel = whenEnded(pidfd, () => this.collect(own), { child: own })
  }

  /** Takes notice of its end, and of its exit status when that is ours; nothing is done a second time. */
  collect(own = true): void {
    if (this.#pidfd < 0) return
    const status = own ? reapProcess(this.#pidfd) : null
    // It has not ended after all.
    if (status === undefined) return
    if (children.get(this.pid) === this) children.delete(this.pid)
    this.#cancel()
    closeFile(this.#pidfd)
    this.#pidfd = -1
    this.#resolve(toExit(status))
  }

  /** Sends a signal; false when it has ended. @throws SyscallError */
  kill(signal: number): boolean {
    return this.#pidfd >= 0 && signalProcess(this.#pidfd, signal)
  }

  /** How it ended, as soon as it has; does not keep the event loop alive. */
  get ended(): Promise<ProcessExit> {
    return this.#ended
  }

  /** Waits for its end and keeps the event loop alive meanwhile. @throws the reason of `signal` */
  async wait(signal?: AbortSignal): Promise<ProcessExit> {
    signal?.throwIfAborted()
    const release = holdLoop()
    try {
      return await untilAborted(signal, () => this.#ended)
    } finally {
      release()
    }
  }
}
