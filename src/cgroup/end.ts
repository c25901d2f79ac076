/** Cgroup: signals to the processes of a cgroup, and the end of them and of cgroups. */
import { sigkill } from '../config/vocabulary/signals.js'
import { SyscallError } from '../errors.js'
import {
  cgroupSubtree,
  closeFile,
  drain,
  hasErrno,
  notifyFile,
  openProcess,
  readProcessStat,
  removeDirectory,
  signalProcess,
} from '../native/binding.js'
import { withDeadline, type Deadline, type Waiter } from '../native/wait.js'
import type { CgroupPlan } from '../plan/types.js'
import { Cgroup, frozenAround } from './cgroup.js'
import { Claim } from './claim.js'
import { readGroup, unlessGone, writeGroup } from './files.js'
import { thawToDie } from './v1.js'

/** How long killed processes may take to end, in milliseconds; the same as runc's. */
export const endLimit = 10_000

/** Pids of all processes in a cgroup and below it; those outside of this pid namespace have none. */
export const processesBelow = (directory: string): number[] =>
  cgroupSubtree(directory, 'list').filter((pid) => pid !== 0)

/** True while there are processes in a directory or below it. */
export const isUsed = (directory: string): boolean => cgroupSubtree(directory, 'list').length > 0

/** So many pidfds are open at a time. */
const batch = 256

/**
 * Signals each process of a list by pidfd, if the list still has it when the pidfd is open: a pid may have become
 * somebody else's between the two. @throws SyscallError
 */
export function signalAll(list: () => readonly number[], signal: number): void {
  const pids = list()
  for (let at = 0; at < pids.length; at += batch) {
    const opened: [pid: number, pidfd: number][] = []
    try {
      for (const pid of pids.slice(at, at + batch)) {
        const pidfd = openProcess(pid)
        if (pidfd >= 0) opened.push([pid, pidfd])
      }
      const still = new Set(list())
      for (const [pid, pidfd] of opened) if (still.has(pid)) signalProcess(pidfd, signal)
    } finally {
      for (const [, pidfd] of opened) closeFile(pidfd)
    }
  }
}

/**
 * Kills what is in a directory and below it, in one stroke where the kernel can do that (cgroup v2), else one by one:
 * what has been forked meanwhile is left for the next call.
 */
export function killBelow(directory: string): void {
  try {
    writeGroup(directory, 'cgroup.kill', '1')
  } catch (error) {
    // cgroup v1 has no such file; a cgroup of threads cannot be killed as a whole (cgroup-v2.rst).
    if (!['ENOENT', 'EACCES', 'ENODEV', 'EOPNOTSUPP'].some((name) => hasErrno(error, name))) throw error
    signalAll(() => processesBelow(directory), sigkill)
  }
}

/**
 * Until no live process is left in a directory, whose processes have been killed, and below it, or the time is over. The
 * kernel tells on cgroup.events (cgroup v2) when the last one has ended. Without it (v1), until those that are there
 * now have ended: they may have been forked after the kill, so they are killed first.
 */
async function emptied(directory: string, waiter: Waiter, by: Deadline): Promise<void> {
  const notice = unlessGone(() => notifyFile(`${directory}/cgroup.events`))
  if (notice === undefined) {
    for (const pid of processesBelow(directory)) await endOne(pid, directory, waiter, by)
    return
  }
  const populated = (): boolean => readGroup(directory, 'cgroup.events')?.includes('populated 1') === true
  try {
    while (populated() && (await by.readable(notice, waiter))) drain(notice)
  } finally {
    closeFile(notice)
  }
}

/** A pid may have become somebody else's before its pidfd was open. */
async function endOne(pid: number, directory: string, waiter: Waiter, by: Deadline): Promise<void> {
  const pidfd = openProcess(pid)
  if (pidfd < 0) return
  try {
    if (!processesBelow(directory).includes(pid)) return
    signalProcess(pidfd, sigkill)
    await by.readable(pidfd, waiter)
  } finally {
    closeFile(pidfd)
  }
}

/** What is left in a cgroup when the time is over. */
export interface Left {
  readonly directory: string
  readonly pids: readonly number[]
  /** The cgroup that keeps them from dying. */
  readonly frozen?: string
}

function whatIsLeft(directory: string): Left {
  const pids = processesBelow(directory)
  const frozen = pids.map(frozenAround).find((cgroup) => cgroup !== undefined)
  return { directory, pids, ...(frozen === undefined ? {} : { frozen }) }
}

/** Names processes with their states, such as `12 (sh, D)`. */
export const describeProcesses = (pids: readonly number[]): string =>
  pids
    .map((pid) => `${pid} (${readProcessStat(pid)?.name ?? '?'}, ${readProcessStat(pid)?.state ?? 'gone'})`)
    .join(', ')

/** The error that tells what is left. */
export function leftError({ directory, pids, frozen }: Left): SyscallError {
  const who = pids.length === 0 ? 'it is still in use' : `it still has processes: ${describeProcesses(pids)}`
  const why = frozen === undefined ? '' : `; the cgroup ${frozen} is frozen`
  const message = `cannot remove the cgroup ${directory}: after ${endLimit / 1000} s ${who}${why}`
  const failure = { side: 'parent', step: 'cgroup', syscall: 'rmdir', errno: 16, errnoName: 'EBUSY' } as const
  return new SyscallError(message, { ...failure, path: directory })
}

/** Kills processes until there are none in a directory and below it. @returns what is left when the time is over */
export async function endProcesses(
  plan: CgroupPlan,
  directory: string,
  waiter: Waiter,
  by: Deadline,
): Promise<Left | undefined> {
  while (isUsed(directory)) {
    if (by.passed) return whatIsLeft(directory)
    killBelow(directory)
    thawToDie(plan)
    await emptied(directory, waiter, by)
  }
  return undefined
}

/** Removes a cgroup and those below it; its processes are killed. @returns what is left when the time is over */
async function removeGroup(
  plan: CgroupPlan,
  directory: string,
  waiter: Waiter,
  by: Deadline,
): Promise<Left | undefined> {
  for (let pause = 1; ; pause *= 2) {
    try {
      removeDirectory(directory)
      return undefined
    } catch (error) {
      if (!hasErrno(error, 'EBUSY')) throw error
    }
    const left = await endProcesses(plan, directory, waiter, by)
    if (left !== undefined) return left
    cgroupSubtree(directory, 'remove')
    // A dying process may keep its cgroup busy for a moment after it has left the list, and the kernel tells nobody.
    if (pause > 1) await by.pause(pause, waiter)
    if (by.passed) return whatIsLeft(directory)
  }
}

/**
 * Removes all cgroups of a container and those below; their processes are killed. Where another container is being made
 * in them they are left to that. @throws SyscallError
 */
export function removeCgroups(plan: CgroupPlan, waiter: Waiter): Promise<void> {
  const { directories } = new Cgroup(plan)
  const claim = new Claim()
  if (directories[0] !== undefined && claim.take(directories[0]) === false) return Promise.resolve()
  return withDeadline(endLimit, async (by) => {
    for (const directory of directories) {
      const left = await removeGroup(plan, directory, waiter, by)
      if (left !== undefined) throw leftError(left)
    }
  }).finally(() => claim.release())
}
