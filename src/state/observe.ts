/** Stage 3, state: the status of a container as it is now; nothing of it is ever stored. */
import { fileInfo, readFileIfAny } from '../native/binding.js'
import type { StateRecord } from './record.js'
import type { Status } from './status.js'
import type { ContainerId, Store } from './store.js'

/** What /proc/PID/stat tells (proc(5)). */
export interface ProcessStat {
  readonly name: string
  /** R, S, D, Z, X … */
  readonly state: string
  /** PF_EXITING: it is ending or has ended. */
  readonly exiting: boolean
  /** Clock ticks since boot; as text, since it is only ever compared. */
  readonly startTime: string
}

/** Undefined when there is no such process. The name may hold any character, so it ends at the last `)`. */
export function readProcessStat(pid: number): ProcessStat | undefined {
  let text: string | undefined
  try {
    text = readFileIfAny(`/proc/${pid}/stat`)
  } catch {
    return undefined // ESRCH: it ended between open and read
  }
  if (text === undefined) return undefined
  const end = text.lastIndexOf(')')
  const fields = text.slice(end + 2).split(' ')
  return {
    name: text.slice(text.indexOf('(') + 1, end),
    state: fields[0] ?? '',
    exiting: (Number(fields[6]) & 4) !== 0,
    startTime: fields[19] ?? '',
  }
}

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

/** True when the container's processes are frozen: cgroup.freeze of cgroup v2, freezer.state where there is only v1. */
function isFrozen(record: StateRecord): boolean {
  const { unified, v1 } = record.cgroup
  if (unified === undefined) return v1.freezer !== undefined && isFrozenLegacy(v1.freezer)
  return readFileIfAny(`${unified}/cgroup.freeze`)?.startsWith('1') === true
}

const isFrozenLegacy = (directory: string): boolean =>
  readFileIfAny(`${directory}/freezer.state`)?.startsWith('FROZEN') === true

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

/** The status now. */
export function observeStatus(store: Store, id: ContainerId, record: StateRecord): Status {
  const stat = liveProcess(record)
  if (stat === undefined) return record.pid === 0 && isLocked(store, id) ? 'creating' : 'stopped'
  if (isFrozen(record)) return 'paused'
  return stat.name === initName ? statusOfInit(store, id) : 'running'
}
