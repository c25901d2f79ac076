/** Cgroup: stops and continues all processes of a container at once. */
import { UnsupportedError } from '../errors.js'
import {
  closeFile,
  drain,
  fileInfo,
  gather,
  notifyFile,
  openTimer,
  readFile,
  readFileIfAny,
  waitReadable,
  writeFile,
} from '../native/binding.js'
import type { CgroupPlan } from '../plan/types.js'
import { directoryOf } from './tree.js'
import type { Waiter } from '../native/wait.js'

/**
 * cgroup v1 tells nobody when all are frozen: freezer.state cannot be watched, and the kernel works it out only
 * when it is read. So it is looked at after so many milliseconds, then after twice as many, up to the second figure.
 */
const legacyPause = { first: 1, longest: 128 }

/** The directory of cgroup v1 that freezes: only where no unified hierarchy does it. */
const legacyFreezer = (cgroup: CgroupPlan): string | undefined =>
  cgroup.unified === undefined ? directoryOf(cgroup, 'freezer') : undefined

/** True when there is something that can freeze the container. */
export const canFreeze = (cgroup: CgroupPlan): boolean =>
  cgroup.unified !== undefined || legacyFreezer(cgroup) !== undefined

/**
 * Stops all processes and waits for that; false when they have not all stopped after `limit`
 * milliseconds: those that have stay so until `thaw`.
 * @throws UnsupportedError when the container has no cgroup of its own, SyscallError
 */
export async function freeze(cgroup: CgroupPlan, waiter: Waiter, limit: number): Promise<boolean> {
  if (cgroup.unified !== undefined) return freezeUnified(cgroup.unified, waiter, limit)
  const legacy = legacyFreezer(cgroup)
  if (legacy === undefined) throw new UnsupportedError('freezer', 'the container has no cgroup that can be frozen')
  return freezeLegacy(`${legacy}/freezer.state`, waiter, limit)
}

/** Lets all processes go on. @throws SyscallError */
export function thaw(cgroup: CgroupPlan): void {
  if (cgroup.unified !== undefined) writeFile(`${cgroup.unified}/cgroup.freeze`, '0')
  else thawLegacy(cgroup)
}

/** A frozen process of cgroup v1 dies of SIGKILL only when it is thawed, whoever has frozen it. */
export function thawLegacy(cgroup: CgroupPlan): void {
  const directory = directoryOf(cgroup, 'freezer')
  if (directory === undefined || fileInfo(directory) === undefined) return
  if (!readFileIfAny(`${directory}/freezer.state`)?.startsWith('THAWED')) {
    writeFile(`${directory}/freezer.state`, 'THAWED')
  }
}

/** cgroups(7): cgroup.events says `frozen 1` when the last one has stopped, and its watchers are told. */
async function freezeUnified(directory: string, waiter: Waiter, limit: number): Promise<boolean> {
  const events = `${directory}/cgroup.events`
  const isFrozen = (): boolean => readFile(events).includes('frozen 1')
  const notice = notifyFile(events)
  try {
    writeFile(`${directory}/cgroup.freeze`, '1')
    if (isFrozen()) return true
    return await withTimer(limit, async (timer) => {
      const either = gather([notice, timer])
      try {
        while (!isFrozen()) {
          if (waitReadable(timer, 0)) return false
          await waiter.readable(either)
          drain(notice)
        }
        return true
      } finally {
        closeFile(either)
      }
    })
  } finally {
    closeFile(notice)
  }
}

async function freezeLegacy(path: string, waiter: Waiter, limit: number): Promise<boolean> {
  let pause = legacyPause.first
  for (let waited = 0; waited < limit; waited += pause) {
    if (waited > 0) pause = Math.min(2 * pause, legacyPause.longest)
    // Written each time: processes that were born meanwhile are not frozen by the first.
    writeFile(path, 'FROZEN')
    if (readFile(path).startsWith('FROZEN')) return true
    await withTimer(pause, (timer) => waiter.readable(timer))
  }
  return false
}

async function withTimer<T>(milliseconds: number, use: (timer: number) => Promise<T>): Promise<T> {
  const timer = openTimer(milliseconds, { repeat: false })
  try {
    return await use(timer)
  } finally {
    closeFile(timer)
  }
}
