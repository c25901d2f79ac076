/** Cgroup: what all cgroups of a container have in common, and their end. */
import { sigkill } from '../config/vocabulary/signals.js'
import {
  fileInfo,
  hasErrno,
  listDirectory,
  openProcess,
  closeFile,
  readFileIfAny,
  removeDirectory,
  signalProcess,
  writeFile,
} from '../native/binding.js'
import type { CgroupPlan } from '../plan/types.js'

/** Hierarchies of a plan (`''`: the unified one) with the directory in each, the unified one first. */
export const cgroupPlaces = ({ unified, v1 }: CgroupPlan): [hierarchy: string, directory: string][] => [
  ...(unified === undefined ? [] : ([['', unified]] as [string, string][])),
  ...Object.entries(v1),
]

/** All directories of a plan, the unified one first. */
export const cgroupDirectories = (plan: CgroupPlan): string[] => cgroupPlaces(plan).map(([, directory]) => directory)

/** Process ids in one cgroup (cgroup.procs), not in those below it. */
export function processesIn(directory: string): number[] {
  try {
    return (readFileIfAny(`${directory}/cgroup.procs`) ?? '').split('\n').filter(Boolean).map(Number)
  } catch (error) {
    // Removed since it was opened, or a cgroup of threads, whose processes are listed above it (cgroups(7)).
    if (hasErrno(error, 'ENODEV') || hasErrno(error, 'EOPNOTSUPP')) return []
    throw error
  }
}

/** Directories below and including this one, the deepest first. */
export function treeOf(directory: string): string[] {
  const below = namesIn(directory)
    ?.map((name) => `${directory}/${name}`)
    .filter((path) => fileInfo(path)?.type === 'directory')
  return below === undefined ? [] : [...below.flatMap(treeOf), directory]
}

function namesIn(directory: string): string[] | undefined {
  try {
    return listDirectory(directory)
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined
    throw error
  }
}

/** Pids of all processes of the container, in its cgroup and in those that it made below. */
export function containerProcesses(plan: CgroupPlan): number[] {
  const [first] = cgroupDirectories(plan)
  return first === undefined ? [] : treeOf(first).flatMap(processesIn)
}

/** Signals each process by pidfd; those that have gone meanwhile don't count. */
export function signalAll(pids: readonly number[], signal: number): void {
  for (const pid of pids) {
    const pidfd = openProcess(pid)
    if (pidfd < 0) continue
    try {
      signalProcess(pidfd, signal)
    } finally {
      closeFile(pidfd)
    }
  }
}

/**
 * Kills what is in a directory and below it: in one stroke on cgroup v2, one by one on v1, where what
 * they have forked meanwhile is left for the next call.
 */
export function killTree(directory: string): void {
  if (fileInfo(`${directory}/cgroup.kill`) !== undefined) writeFile(`${directory}/cgroup.kill`, '1')
  else signalAll(treeOf(directory).flatMap(processesIn), sigkill)
}

/**
 * Removes the container's cgroups and those below. Processes that are still in them are killed;
 * `ended` waits until those in a directory have ended.
 */
export async function removeCgroups(plan: CgroupPlan, ended: (directory: string) => Promise<void>): Promise<void> {
  for (const directory of cgroupDirectories(plan)) await removeCgroup(directory, ended)
}

/** The same for one directory. */
export async function removeCgroup(directory: string, ended: (directory: string) => Promise<void>): Promise<void> {
  try {
    removeDirectory(directory)
  } catch (error) {
    if (!hasErrno(error, 'EBUSY')) throw error
    thaw(directory)
    while (isUsed(directory)) {
      killTree(directory)
      await ended(directory)
    }
    for (const path of treeOf(directory)) removeDirectory(path)
  }
}

/** True while there are processes in a directory or below it. */
export const isUsed = (directory: string): boolean => treeOf(directory).some((path) => processesIn(path).length > 0)

/** A frozen process of cgroup v1 cannot die. */
function thaw(directory: string): void {
  if (readFileIfAny(`${directory}/freezer.state`)?.startsWith('FR')) writeFile(`${directory}/freezer.state`, 'THAWED')
}

/** Directory in the v1 hierarchy of a controller; their lists are comma-separated: `cpu,cpuacct`. */
export const directoryOf = (plan: CgroupPlan, controller: string): string | undefined =>
  Object.entries(plan.v1).find(([controllers]) => controllers.split(',').includes(controller))?.[1]

/** True when the OOM killer has ended a process of the container: memory.events, or memory.oom_control of v1. */
export function oomKilled(plan: CgroupPlan): boolean {
  const legacy = directoryOf(plan, 'memory')
  const path = legacy === undefined ? `${plan.unified ?? ''}/memory.events` : `${legacy}/memory.oom_control`
  return /^oom_kill [1-9]/m.test(readFileIfAny(path) ?? '')
}
