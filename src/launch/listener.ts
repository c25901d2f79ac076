/** Stage 4, launch: hands the listener of a seccomp filter with SCMP_ACT_NOTIFY to who is to answer. */
import { closeFile, takeDescriptor } from '../native/binding.js'
import { ociState } from '../plan/oci-state.js'
import type { LaunchPlan } from '../plan/types.js'
import type { StateRecord } from '../state/record.js'
import type { Status } from '../state/status.js'
import { sendToSocket } from './console.js'
import type { InitProcess } from './init-process.js'

/** The container as it is when the listener goes. */
type Subject = () => { readonly record: StateRecord; readonly status: Status }

/** Who answers is told of the process that the filter is for, which may have to be forked yet. */
export class ListenerDelivery {
  readonly #plan: LaunchPlan
  readonly #init: InitProcess
  readonly #container: Subject
  /** The runtime's copy. */
  #fd = -1

  constructor(plan: LaunchPlan, init: InitProcess, container: Subject) {
    this.#plan = plan
    this.#init = init
    this.#container = container
  }

  /** Takes the listener with this number in init. @throws SyscallError */
  take(number: number): void {
    this.#fd = takeDescriptor(this.#init.pidfd, number)
    if (this.#init.forked || !this.#plan.steps.some(({ op }) => op === 'fork')) this.handOver()
  }

  /** Init is the process that it stays: sends what was taken. @throws SyscallError */
  handOver(): void {
    const fd = this.#fd
    this.#fd = -1
    if (fd < 0) return
    try {
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
