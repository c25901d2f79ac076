/** A process that `exec` has added to a container. */
import type { ContainerExit } from './container.js'
import type { Executed } from './launch/exec.js'
import type { Waiter } from './native/wait.js'
import { closeFile, reapProcess, signalProcess } from './native/binding.js'

/** A running process; `wait` must be called, or it stays a zombie and its descriptor open. */
export class ExecHandle {
  /** In the pid namespace of the caller. */
  readonly pid: number
  /** The ptmx of a terminal that no console socket was given for; belongs to the caller. Else -1. */
  readonly terminal: number
  readonly #waiter: Waiter
  #pidfd: number
  #exit: Promise<ContainerExit> | undefined

  /** Made by Container.exec. */
  constructor(waiter: Waiter, { pid, pidfd, ptmx }: Executed) {
    this.pid = pid
    this.terminal = ptmx
    this.#waiter = waiter
    this.#pidfd = pidfd
  }

  /** Sends a signal (number); false when the process has ended. @throws SyscallError */
  kill(signal: number): boolean {
    return this.#pidfd >= 0 && signalProcess(this.#pidfd, signal)
  }

  /** Resolves when the process has ended. */
  wait(): Promise<ContainerExit> {
    return (this.#exit ??= this.#waitForEnd())
  }

  async #waitForEnd(): Promise<ContainerExit> {
    await this.#waiter.readable(this.#pidfd)
    const status = reapProcess(this.#pidfd) ?? { code: null, signal: null }
    closeFile(this.#pidfd)
    this.#pidfd = -1
    return status
  }
}
