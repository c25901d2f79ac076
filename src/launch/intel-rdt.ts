/** Stage 4, launch: groups of the Intel resource director, which the kernel shows as directories (resctrl). */
import { ConfigError, SyscallError } from '../errors.js'
import {
  fileInfo,
  hasErrno,
  listDirectory,
  makeDirectory,
  readFile,
  readFileIfAny,
  removeDirectory,
  writeFile,
} from '../native/binding.js'
import { missingSchema, type IntelRdtPlan } from '../plan/intel-rdt.js'
import type { RdtRecord } from '../state/record.js'
import type { Rollback } from './rollback.js'

/** What later commands must know of a planned group. */
export const rdtRecord = ({ root, group, mode, monitor }: IntelRdtPlan): RdtRecord => ({
  ...{ root, group, own: mode === 'make' },
  ...(monitor === undefined ? {} : { monitor }),
})

const problem = (group: string, message: string): ConfigError =>
  ConfigError.from([{ pointer: '/linux/intelRdt', message: `resctrl group "${group}" ${message}` }])

/**
 * Looks at the groups before anything is made: what is there already belongs to somebody else.
 * @throws ConfigError
 */
export function assertRdtFits({ group, mode, monitor }: IntelRdtPlan): void {
  const isThere = fileInfo(group)?.type === 'directory'
  if (mode === 'make' && isThere) throw problem(group, 'exists already: use it by closID')
  if (mode === 'join' && !isThere) throw problem(group, 'does not exist: without a schema it must be there before')
  if (monitor !== undefined && fileInfo(monitor) !== undefined) throw problem(monitor, 'exists already')
}

/** Makes the groups of a container, or finds what it is to join. @throws ConfigError, SyscallError */
export function makeRdtGroups(plan: IntelRdtPlan, rollback: Rollback): void {
  const { root, group, mode, monitor, schemata } = plan
  if (mode !== 'join') {
    if (makeIfMissing(group)) {
      rollback.add(() => removeUnused(group))
      for (const text of schemata) writeSchema(root, group, text)
    } else {
      const missing = missingSchema(schemata, readFile(`${group}/schemata`))
      if (mode === 'make') throw problem(group, 'exists already: use it by closID')
      if (missing !== undefined) throw problem(group, `exists with other schemata: it does not have ${missing}`)
    }
  }
  if (monitor === undefined) return
  makeDirectory(monitor, 0o755)
  rollback.add(() => removeDirectory(monitor))
}

function makeIfMissing(group: string): boolean {
  try {
    makeDirectory(group, 0o755)
    return true
  } catch (error) {
    if (hasErrno(error, 'EEXIST')) return false
    throw error
  }
}

/** A named group may have been found by somebody else meanwhile. */
function removeUnused(group: string): void {
  if ((readFileIfAny(`${group}/tasks`) ?? '').trim() === '') removeDirectory(group)
}

/** One write: the kernel takes all its lines or none. @throws SyscallError with the kernel's reason */
export function writeSchema(root: string, group: string, text: string): void {
  const path = `${group}/schemata`
  try {
    writeFile(path, `${text}\n`)
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error
    const reason = (readFileIfAny(`${root}/info/last_cmd_status`) ?? '').trim()
    const detail = reason === '' || reason === 'ok' ? '' : ` (${reason})`
    throw new SyscallError(`cannot write ${JSON.stringify(text)} to "${path}": ${error.message}${detail}`, {
      ...{ side: 'parent', step: 'intelRdt', syscall: error.syscall, errno: error.errno, errnoName: error.errnoName },
      ...{ path, ...(detail === '' ? {} : { detail: reason }) },
    })
  }
}

/** Adds a process, which has one thread, to the groups of its container. @throws SyscallError */
export function joinRdt(record: RdtRecord | undefined, pid: number): void {
  if (record === undefined) return
  writeFile(`${record.group}/tasks`, String(pid))
  if (record.monitor !== undefined) writeFile(`${record.monitor}/tasks`, String(pid))
}

/**
 * Adds processes with all their threads, and those that they make meanwhile: until nobody new is found.
 * `processes` tells who is there. @throws SyscallError
 */
export function joinRdtWithAll(record: RdtRecord, processes: () => readonly number[]): void {
  const joined = new Set<number>()
  for (let found = true; found;) {
    found = false
    for (const thread of processes().flatMap(threadsOf)) {
      if (joined.has(thread)) continue
      joined.add(thread)
      found = true
      try {
        writeFile(`${record.group}/tasks`, String(thread))
      } catch (error) {
        if (!hasErrno(error, 'ESRCH')) throw error
      }
    }
  }
}

function threadsOf(pid: number): number[] {
  try {
    return listDirectory(`/proc/${pid}/task`).map(Number)
  } catch (error) {
    if (hasErrno(error, 'ENOENT') || hasErrno(error, 'ESRCH')) return []
    throw error
  }
}

/** Removes what is the container's own; the kernel gives processes that are left back. @throws SyscallError */
export function removeRdt(record: RdtRecord | undefined): void {
  if (record === undefined) return
  // The monitoring groups in it go with it.
  if (record.own) removeDirectory(record.group)
  else if (record.monitor !== undefined) removeDirectory(record.monitor)
}
