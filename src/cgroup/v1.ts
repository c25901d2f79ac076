/** Cgroup: everything that only cgroup v1 has; with it goes what this file does. */
import {
  drain,
  fileInfo,
  cgroupSubtree,
  listDirectory,
  notifyMemory,
  readFile,
  waitReadable,
  writeFile,
} from '../native/binding.js'
import { withDeadline, type Deadline, type Waiter } from '../native/wait.js'
import type { DeviceRulePlan } from '../plan/resources/devices.js'
import { deviceWrites, legacyHierarchy } from '../plan/resources/v1.js'
import type { CgroupPlan } from '../plan/types.js'
import type { MemoryWatch, OomWatch } from './cgroup.js'
import { killsIn, parentOf, readGroup, unlessGone, writeGroup } from './files.js'
import { applyWrites } from './writes.js'

/** Directory in the hierarchy of a controller. */
export const directoryOf = (plan: CgroupPlan, controller: string): string | undefined =>
  plan.v1[legacyHierarchy(plan.v1, controller) ?? '']

/**
 * cgroup v1 tells nobody when all are frozen: freezer.state cannot be watched, and the kernel works it out only
 * when it is read. So it is looked at after so many milliseconds, then after twice as many, up to the second figure.
 */
const freezerPause = { first: 1, longest: 128 }

/** Freezes; false when they have not all stopped in time. @throws SyscallError */
export async function freezeV1(directory: string, waiter: Waiter, by: Deadline): Promise<boolean> {
  const path = `${directory}/freezer.state`
  for (let pause = freezerPause.first; ; pause = Math.min(2 * pause, freezerPause.longest)) {
    // Written each time: processes that were born meanwhile are not frozen by the first.
    writeFile(path, 'FROZEN')
    if (readFile(path).startsWith('FROZEN')) return true
    if (by.passed) return false
    await by.pause(pause, waiter)
  }
}

/** True when the cgroup itself is frozen, not only with one above it (freezer-subsystem.rst). */
export const isFrozenV1 = (directory: string): boolean =>
  readGroup(directory, 'freezer.self_freezing')?.startsWith('1') === true &&
  readGroup(directory, 'freezer.state')?.startsWith('FROZEN') === true

/** True when it is frozen, or one above it. */
export const isStoppedV1 = (directory: string): boolean =>
  readGroup(directory, 'freezer.state')?.startsWith('FR') === true

/** Lets go what the cgroup itself has frozen. @throws SyscallError */
export function thawV1(directory: string): void {
  unlessGone(() => writeGroup(directory, 'freezer.state', 'THAWED'))
}

/**
 * A frozen process of cgroup v1 dies of SIGKILL only when it is thawed, whoever has frozen it: the runtime, or the
 * container a cgroup below its own. @throws SyscallError
 */
export function thawToDie(plan: CgroupPlan): void {
  const directory = directoryOf(plan, 'freezer')
  if (directory !== undefined) cgroupSubtree(directory, 'thaw')
}

/**
 * A cpuset group without CPUs takes no process and no child, and a new one has none until it gets its parent's, which
 * may be waiting for its own. @throws SyscallError
 */
export function inheritCpuset(directory: string, { isNew }: { readonly isNew: boolean }): void {
  const parent = parentOf(directory)
  for (const name of ['cpuset.cpus', 'cpuset.mems']) {
    if (!isNew && readGroup(directory, name)?.trim() !== '') continue
    let inherited = readFile(`${parent}/${name}`)
    if (inherited.trim() === '') {
      inheritCpuset(parent, { isNew: false })
      inherited = readFile(`${parent}/${name}`)
    }
    writeGroup(directory, name, inherited)
  }
}

/** Restricts the devices by the devices controller. @throws SyscallError, UnsupportedError for what it cannot express */
export function restrictDevicesV1(cgroup: CgroupPlan, rules: readonly DeviceRulePlan[]): void {
  const hierarchy = legacyHierarchy(cgroup.v1, 'devices')
  if (hierarchy !== undefined) applyWrites(cgroup, deviceWrites(hierarchy, rules))
}

/** As `inexactFiles` of systemd.ts. */
export const inexactFilesV1 = ['cpu.cfs_quota_us', 'blkio.weight', 'blkio.bfq.weight', 'pids.max']

/** What stands in the way of a lower memory limit, in words. */
export function usageOf(directory: string): string {
  const usage = readGroup(directory, 'memory.usage_in_bytes')
  return usage === undefined ? '' : ` (current usage: ${usage.trim()})`
}

/** Milliseconds in which the kernel kills and counts what it has signalled. */
const killLimit = 30

/**
 * An eventfd is signalled, also when the cgroup is removed: before the kernel kills, and for one kill again and again while
 * its process dies. So what tells are the kills that are counted. @throws SyscallError
 */
export function watchOomV1(directory: string): OomWatch {
  const file = 'memory.oom_control'
  const watched = watch(directory, notifyMemory(directory, file, ''))
  let last = killsIn(directory, file)
  const grown = (): boolean => {
    const now = killsIn(directory, file)
    const more = now > last
    last = Math.max(now, last)
    return more
  }
  return {
    notice: watched.notice,
    async happened(waiter) {
      const signalled = watched.happened()
      if (grown()) return true
      if (!signalled) return false
      return withDeadline(killLimit, async (by) => {
        for (let pause = 1; !by.passed; pause *= 2) {
          await by.pause(pause, waiter)
          if (grown()) return true
        }
        return countsElsewhere(directory)
      })
    },
  }
}

/** Kills in cgroups below are counted there, and without a killer there are none. */
const countsElsewhere = (directory: string): boolean =>
  readGroup(directory, 'memory.oom_control')?.includes('oom_kill_disable 1') === true ||
  (unlessGone(() => listDirectory(directory)) ?? []).some(
    (name) => fileInfo(`${directory}/${name}`)?.type === 'directory',
  )

/** How short of memory a cgroup is, by how hard it is to find pages that can be taken from it. */
export type MemoryLevel = 'low' | 'medium' | 'critical'

/**
 * An eventfd is signalled, also when the cgroup is removed: each time that the cgroup is as short of memory as this, or
 * shorter. @throws SyscallError
 */
export function watchMemoryLevel(directory: string, level: MemoryLevel): MemoryWatch {
  return watch(directory, notifyMemory(directory, 'memory.pressure_level', level))
}

function watch(directory: string, notice: number): MemoryWatch {
  return {
    notice,
    happened() {
      const signalled = waitReadable(notice, 0)
      drain(notice)
      return signalled && fileInfo(directory) !== undefined
    },
  }
}
