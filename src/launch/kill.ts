/** Stage 4, launch: signals to a container: to its init process, or to all of them. */
import { sigkill } from '../config/vocabulary/signals.js'
import { StatusError } from '../errors.js'
import { closeFile, hasErrno, openProcess, signalProcess } from '../native/binding.js'
import type { CgroupPlan } from '../plan/types.js'
import { liveProcess, observeStatus } from '../state/observe.js'
import type { StateRecord } from '../state/record.js'
import { assertStatus } from '../state/status.js'
import type { ContainerId } from '../state/store.js'
import { cgroupDirectories, containerProcesses, killBelow, signalAll } from '../cgroup/end.js'
import type { RuntimeContext } from './context.js'
import { canFreeze, freeze, thaw } from '../cgroup/freezer.js'
import { thawToDie } from '../cgroup/v1.js'
import { processesOf } from './members.js'
import type { Waiter } from '../native/wait.js'

/** How long a signal to all waits for them to stand still, in milliseconds. */
const freezeLimit = 2000

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
  const status = observeStatus(store, id, record)
  if (!options.all) assertStatus(id, 'kill', status)
  const reachesAll = options.all || (signal === sigkill && !record.ownPidNamespace)
  const counted = cgroupDirectories(record.cgroup).length > 0
  if (reachesAll && !counted) signalAll(() => others(processesOf(record), record.pid), signal)
  if (reachesAll && counted) await signalCgroup(record.cgroup, signal, { waiter, frozen: status === 'paused' })
  // Init has got it with the others, and of SIGKILL it may have ended.
  if (reachesAll && signal !== sigkill && counted) return
  signalInit(record, id, signal, { mayHaveEnded: reachesAll })
  if (signal === sigkill) thawToDie(record.cgroup)
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

/**
 * Sends a signal to every process of the container. They are stopped for that moment, so that none of
 * them can have a child that is missed; SIGKILL goes in one stroke where the kernel can do that.
 */
async function signalCgroup(
  cgroup: CgroupPlan,
  signal: number,
  { waiter, frozen }: { waiter: Waiter; frozen: boolean },
): Promise<void> {
  const { unified } = cgroup
  if (signal === sigkill && unified !== undefined) {
    killBelow(unified)
    return
  }
  if (containerProcesses(cgroup).length === 0) return
  const stops = !frozen && canFreeze(cgroup)
  try {
    if (stops) await freeze(cgroup, waiter, freezeLimit)
    signalAll(() => containerProcesses(cgroup), signal)
  } catch (error) {
    // Somebody else has deleted the container meanwhile.
    if (!isGone(error)) throw error
  } finally {
    if (stops) thawIfAny(cgroup)
  }
}

const isGone = (error: unknown): boolean => hasErrno(error, 'ENOENT') || hasErrno(error, 'ENODEV')

function thawIfAny(cgroup: CgroupPlan): void {
  try {
    thaw(cgroup)
  } catch (error) {
    if (!isGone(error)) throw error
  }
}
