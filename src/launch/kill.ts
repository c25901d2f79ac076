/** Stage 4, launch: signals to a container: to its init process, or to all of them. */
import { sigkill } from '../config/vocabulary/signals.js'
import { StatusError } from '../errors.js'
import { closeFile, openProcess, signalProcess } from '../native/binding.js'
import { hasStopped, liveProcess } from '../state/observe.js'
import type { StateRecord } from '../state/record.js'
import { assertStatus } from '../state/status.js'
import type { ContainerId } from '../state/store.js'
import { Cgroup } from '../cgroup/cgroup.js'
import { signalAll } from '../cgroup/end.js'
import type { RuntimeContext } from './context.js'
import { processesOf } from './members.js'

/**
 * A pidfd of init that is surely init's: opened first, then the start time compared, so that a pid
 * that has been reused meanwhile is noticed. -1 when it has ended.
 */
export function openInit(record: StateRecord): number {
  if (record.pid === 0) return -1
  const pidfd = openProcess(record.pid)
  if (pidfd < 0 || liveProcess(record) !== undefined) return pidfd
  closeFile(pidfd)
  return -1
}

/**
 * Sends a signal to init, or with `all` to every process of the container. SIGKILL always reaches all:
 * by the end of the pid namespace, or through the cgroup where that is shared.
 * @throws StatusError when the container is not running (never with `all`)
 */
export async function killContainer(
  { store, waiter }: RuntimeContext,
  id: ContainerId,
  signal: number,
  options: { all: boolean },
): Promise<void> {
  const record = store.load(id)
  const reachesAll = options.all || (signal === sigkill && !record.ownPidNamespace)
  // Without a pid namespace of their own others live on when init has ended.
  const isOver = hasStopped(store, id, record) && (!reachesAll || processesOf(record).length === 0)
  if (!options.all && isOver) assertStatus(id, 'kill', 'stopped')
  const cgroup = new Cgroup(record.cgroup)
  const counted = cgroup.directories.length > 0
  if (reachesAll && !counted) signalAll(() => others(processesOf(record), record.pid), signal)
  if (reachesAll && counted) await cgroup.signal(signal, waiter)
  // Init has got it with the others, and of SIGKILL it may have ended.
  if (reachesAll && signal !== sigkill && counted) return
  signalInit(record, id, signal, { mayHaveEnded: reachesAll })
  if (signal === sigkill) cgroup.thawToDie()
}

const others = (pids: readonly number[], init: number): number[] => pids.filter((pid) => pid !== init)

function signalInit(
  record: StateRecord,
  id: ContainerId,
  signal: number,
  { mayHaveEnded }: { mayHaveEnded: boolean },
): void {
  const pidfd = openInit(record)
  try {
    if (pidfd >= 0 && signalProcess(pidfd, signal)) return
    if (!mayHaveEnded) throw new StatusError('container not running', { id, operation: 'kill', status: 'stopped' })
  } finally {
    if (pidfd >= 0) closeFile(pidfd)
  }
}
