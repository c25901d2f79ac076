/** Stage 4, launch: hands the listener of a seccomp filter with SCMP_ACT_NOTIFY to who is to answer. */
import { closeFile } from '../native/binding.js'
import { ociState } from '../plan/oci-state.js'
import type { LaunchPlan } from '../plan/types.js'
import type { StateRecord } from '../state/record.js'
import type { Status } from '../state/status.js'
import { sendToSocket } from './console.js'

/** A listener, and the process that the filter is for. */
export interface Listener {
  readonly plan: LaunchPlan
  readonly record: StateRecord
  readonly status: Status
  readonly pid: number
  /** The runtime's copy of the descriptor, which is closed. */
  readonly fd: number
}

/** With it goes the container process state of config-linux.md "Seccomp". @throws SyscallError */
export function handListener({ plan, record, status, pid, fd }: Listener): void {
  const { seccompListener } = plan
  if (seccompListener === undefined) {
    closeFile(fd)
    return
  }
  const state = ociState(record, status)
  const { path, metadata } = seccompListener
  const message = { ociVersion: state.ociVersion, fds: ['seccompFd'], pid, metadata, state }
  try {
    sendToSocket(path, JSON.stringify(message), fd)
  } finally {
    closeFile(fd)
  }
}
