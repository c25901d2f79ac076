/** Stage 4, launch: ends a process by SIGKILL within a limit, or says what keeps it from ending. */
import { sigkill } from '../config/vocabulary/signals.js'
import { StatusError } from '../errors.js'
import { closeFile, readProcessStat, signalProcess } from '../native/binding.js'
import { withDeadline, type Waiter } from '../native/wait.js'
import { describeProcesses, endLimit } from '../cgroup/end.js'
import { Cgroup, frozenAround } from '../cgroup/cgroup.js'
import type { StateRecord } from '../state/record.js'
import type { RuntimeContext } from './context.js'
import { namespaceMembers } from './members.js'

/** The init process to end; one that has no record yet is in no cgroup that could be frozen. */
export type Ended = Pick<StateRecord, 'id' | 'pid'> & Partial<Pick<StateRecord, 'cgroup' | 'ownPidNamespace'>>

/** Waits for the end of a process, no longer than `endLimit`. @returns false when it is still there */
export const awaitEnd = (waiter: Waiter, pidfd: number): Promise<boolean> =>
  withDeadline(endLimit, (by) => by.readable(pidfd, waiter))

/** Kills a process, waits for its end and closes `pidfd`. @throws StatusError after `endLimit`, SyscallError */
export async function endProcess(waiter: Waiter, pidfd: number, ended: Ended): Promise<void> {
  try {
    signalProcess(pidfd, sigkill)
    if (ended.cgroup !== undefined) new Cgroup(ended.cgroup).thawToDie()
    if (!(await awaitEnd(waiter, pidfd))) throw stillThere(ended)
    await waiter.reap(ended.pid, pidfd)
  } finally {
    closeFile(pidfd)
  }
}

/** Ends a process that its caller cannot go on waiting for: nobody would ever learn how it has ended. */
export async function inForeground<T>(
  { waiter }: Pick<RuntimeContext, 'waiter'>,
  process: Ended,
  pidfd: number,
  wait: () => T,
): Promise<T> {
  try {
    return wait()
  } catch (error) {
    await endProcess(waiter, pidfd, process)
    throw error
  }
}

/**
 * SIGKILL works at once, except on a process that waits in the kernel, is in a frozen cgroup of cgroup v1 that is not the
 * container's, or is the first of a pid namespace in which somebody has ended and is not reaped (pid_namespaces(7)).
 */
function stillThere({ id, pid, ownPidNamespace }: Ended): StatusError {
  const frozen = frozenAround(pid)
  const unreaped =
    ownPidNamespace === true
      ? namespaceMembers(pid)
          .filter((other) => other !== pid)
          .map(describeUnreaped)
      : []
  const why = [...(frozen === undefined ? [] : [`the cgroup ${frozen} that it is in is frozen`]), ...unreaped]
  const who = [describeProcesses([pid]), ...why].join('; ')
  const message = `cannot end container ${id}: ${endLimit / 1000} s after SIGKILL its init process is still there: ${who}`
  return new StatusError(message, { id, operation: 'delete', status: 'running' })
}

function describeUnreaped(pid: number): string {
  const stat = readProcessStat(pid)
  if (stat?.state !== 'Z') return `it waits for ${describeProcesses([pid])}`
  return `it waits until ${describeProcesses([stat.parent])} reaps its child ${pid} (${stat.name})`
}
