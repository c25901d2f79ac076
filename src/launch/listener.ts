/** Stage 4, launch: hands the listener of a seccomp filter with SCMP_ACT_NOTIFY to who is to answer. */
import { UnsupportedError } from '../errors.js'
import { closeFile, takeDescriptor } from '../native/binding.js'
import { ociState } from '../plan/oci-state.js'
import type { LaunchPlan } from '../plan/types.js'
import type { StateRecord } from '../state/record.js'
import type { Status } from '../state/status.js'
import { sendToSocket } from './console.js'
import type { RuntimeContext } from './context.js'
import type { InitProcess } from './init-process.js'

/** `listenerPath` of a filter whose calls are decided in the program that makes the container: no path of a socket. */
export const ownListener = 'onSyscall'

const nobodyDecides =
  'nobody decides the system calls that linux.seccomp has SCMP_ACT_NOTIFY for: the program that has made the container is another one, or has ended'

/** The container as it is when the listener goes. */
type Subject = () => { readonly record: StateRecord; readonly status: Status }

/** Who answers is told of the process that the filter is for, which may have to be forked yet. */
export class ListenerDelivery {
  readonly #plan: LaunchPlan
  readonly #init: InitProcess
  readonly #container: Subject
  readonly #onListener: RuntimeContext['onListener']
  /** The runtime's copy. */
  #fd = -1

  constructor(plan: LaunchPlan, init: InitProcess, container: Subject, { onListener }: RuntimeContext) {
    this.#plan = plan
    this.#init = init
    this.#container = container
    this.#onListener = onListener
  }

  /** Takes the listener with this number in init. @throws SyscallError */
  take(number: number): void {
    this.#fd = takeDescriptor(this.#init.pidfd, number)
    if (this.#init.forked || !this.#plan.steps.some(({ op }) => op === 'fork')) this.handOver()
  }

  /**
   * Init is the process that it stays: sends what was taken.
   * @throws UnsupportedError when it is another program that decides, SyscallError
   */
  handOver(): void {
    const fd = this.#fd
    this.#fd = -1
    if (fd < 0) return
    const own = this.#plan.seccompListener?.path === ownListener
    if (own && this.#onListener !== undefined) {
      this.#onListener(fd)
      return
    }
    try {
      if (own) throw new UnsupportedError('seccomp listener', nobodyDecides)
      this.#send(fd)
    } finally {
      closeFile(fd)
    }
  }

  /** With the container process state of config-linux.md "Seccomp". */
  #send(fd: number): void {
    const { seccompListener } = this.#plan
    if (seccompListener === undefined) return
    const { record, status } = this.#container()
    const state = ociState(record, status)
    const { path, metadata } = seccompListener
    const message = { ociVersion: state.ociVersion, fds: ['seccompFd'], pid: this.#init.pid, metadata, state }
    sendToSocket(path, JSON.stringify(message), fd)
  }
}
