/** Stage 3, state: the status of a container as it is now; nothing of it is ever stored. */
import { Cgroup } from '../cgroup/cgroup.js'
import { NotFoundError } from '../errors.js'
import { fileInfo, type ProcessStat, readProcessStat } from '../native/binding.js'
import type { StateRecord } from './record.js'
import type { Status } from './status.js'
import type { ContainerId, Store } from './store.js'

const initName = 'tsrun-init'

/** True when a process ends, or has ended, before it has become anything else than tsrun-init. */
export function endedAsInit(pid: number): boolean {
  const stat = readProcessStat(pid)
  return stat !== undefined && stat.exiting && stat.name === initName
}

/** What the process of the record is like, if it is still there and is the same one. */
export function liveProcess(record: StateRecord): ProcessStat | undefined {
  if (record.pid === 0) return undefined
  const stat = readProcessStat(record.pid)
  if (stat === undefined || stat.startTime !== record.startTime) return undefined
  return stat.state === 'Z' || stat.state === 'X' ? undefined : stat
}

/**
 * Before its program: `creating` as long as create or run are at work, also when they were killed at
 * that. `created` needs both the start socket and a process that is still tsrun-init: a `start` that
 * was killed between go and unlink must not make a running container look created; and a program may
 * call itself tsrun-init.
 */
function statusOfInit(store: Store, id: ContainerId): Status {
  if (fileInfo(store.startSocket(id)) !== undefined) return 'created'
  return fileInfo(store.unreadySocket(id)) !== undefined || isLocked(store, id) ? 'creating' : 'running'
}

function isLocked(store: Store, id: ContainerId): boolean {
  const lock = store.lock(id, { wait: false })
  lock?.release()
  return lock === undefined
}

/** True when nobody is making or removing what has a name in the state root but no record, such as a file. */
export function isAbandoned(store: Store, id: ContainerId): boolean {
  try {
    return !isLocked(store, id)
  } catch (error) {
    return !(error instanceof NotFoundError)
  }
}

/** As `observeStatus`, for who needs to know no more than whether the container has stopped. */
export const hasStopped = (store: Store, id: ContainerId, record: StateRecord): boolean =>
  liveProcess(record) === undefined && !isBeingMade(store, id, record)

/** It has no init yet. */
const isBeingMade = (store: Store, id: ContainerId, { pid }: StateRecord): boolean => pid === 0 && isLocked(store, id)

/** The status now. */
export function observeStatus(store: Store, id: ContainerId, record: StateRecord): Status {
  const stat = liveProcess(record)
  if (stat === undefined) return isBeingMade(store, id, record) ? 'creating' : 'stopped'
  if (new Cgroup(record.cgroup).isFrozen) return 'paused'
  return stat.name === initName ? statusOfInit(store, id) : 'running'
}
