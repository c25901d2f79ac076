/** Host: what /proc tells of a process. */
import { readFileIfAny } from '../native/binding.js'

/** What /proc/PID/stat tells (proc(5)). */
export interface ProcessStat {
  readonly name: string
  /** R, S, D, Z, X … */
  readonly state: string
  /** Pid of the parent. */
  readonly parent: number
  /** PF_EXITING: it is ending or has ended. */
  readonly exiting: boolean
  /** Clock ticks since boot; as text, since it is only ever compared. */
  readonly startTime: string
}

/** Undefined when there is no such process. The name may hold any character, so it ends at the last `)`. @throws SyscallError */
export function readProcessStat(pid: number): ProcessStat | undefined {
  const text = readFileIfAny(`/proc/${pid}/stat`)
  if (text === undefined) return undefined
  const end = text.lastIndexOf(')')
  const fields = text.slice(end + 2).split(' ')
  return {
    name: text.slice(text.indexOf('(') + 1, end),
    state: fields[0] ?? '',
    parent: Number(fields[1]),
    exiting: (Number(fields[6]) & 4) !== 0,
    startTime: fields[19] ?? '',
  }
}
