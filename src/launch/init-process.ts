/** Stage 4, launch: the process that runs `tsrun-init`, from its clone until its program runs or it has been ended. */
import { ProtocolError } from '../errors.js'
import { closeFile, setScheduler, type Launched } from '../native/binding.js'
import { collectProcess, type Waiter } from '../native/wait.js'
import type { LaunchPlan } from '../plan/types.js'
import { endProcess, type Ended } from './end.js'

/** Init with its descriptors, which belong to this until somebody takes them over. */
export class InitProcess {
  /** In the pid namespace of the runtime; 0 until it exists. */
  pid = 0
  pidfd = -1
  sync = -1
  #forked = false
  readonly #waiter: Waiter

  constructor(waiter: Waiter) {
    this.#waiter = waiter
  }

  /** True when init is the child of the process that was cloned. */
  get forked(): boolean {
    return this.#forked
  }

  /** Takes what has been cloned. */
  adopt({ pid, pidfd, sync }: Launched): void {
    this.pid = pid
    this.pidfd = pidfd
    this.sync = sync
  }

  /**
   * The first process has forked and ends; init is its child from now on. Only one: what follows comes from
   * the child, which the container may be able to trace.
   * @throws ProtocolError for a second one, SyscallError
   */
  async adoptChild(pid: number, pidfd: number): Promise<void> {
    if (this.#forked) {
      closeFile(pidfd)
      throw new ProtocolError('init reported a second process')
    }
    this.#forked = true
    const first = this.pidfd
    this.pid = pid
    this.pidfd = pidfd
    await collectProcess(this.#waiter, first)
  }

  /** Sets what its last fork would have taken back (sched(7)). @throws SyscallError */
  setScheduler({ scheduler }: LaunchPlan): void {
    // `nice` crosses to init as a number without a sign.
    if (scheduler) setScheduler(this.pid, { ...scheduler, nice: scheduler.nice | 0 })
  }

  /** Closes the sync socket. */
  closeSync(): void {
    if (this.sync >= 0) closeFile(this.sync)
    this.sync = -1
  }

  /** Ends it. @returns false when there was none @throws StatusError when it does not end */
  async end(container: Omit<Ended, 'pid'>): Promise<boolean> {
    const { pidfd, pid } = this
    this.closeSync()
    this.pidfd = -1
    if (pidfd < 0) return false
    await endProcess(this.#waiter, pidfd, { ...container, pid })
    return true
  }
}
