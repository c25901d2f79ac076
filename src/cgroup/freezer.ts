/** Cgroup: stops and continues all processes of a container at once, and says who has stopped them. */
import { UnsupportedError } from '../errors.js'
import { closeFile, drain, notifyFile, readFile, readFileIfAny, writeFile } from '../native/binding.js'
import { withDeadline, type Waiter } from '../native/wait.js'
import type { CgroupPlan } from '../plan/types.js'
import { directoryOf, freezeV1, isFrozenV1, thawV1 } from './v1.js'

/** The directory of cgroup v1 that freezes: only where no unified hierarchy does it. */
const legacyFreezer = (cgroup: CgroupPlan): string | undefined =>
  cgroup.unified === undefined ? directoryOf(cgroup, 'freezer') : undefined

/** True when there is something that can freeze the container. */
export const canFreeze = (cgroup: CgroupPlan): boolean =>
  cgroup.unified !== undefined || legacyFreezer(cgroup) !== undefined

const freezesItself = (directory: string): boolean =>
  readFileIfAny(`${directory}/cgroup.freeze`)?.startsWith('1') === true

/** True when the container's own cgroup is frozen; whether one above it is, is `frozenAbove`'s question. */
export function isFrozen(cgroup: CgroupPlan): boolean {
  if (cgroup.unified !== undefined) return freezesItself(cgroup.unified)
  const legacy = legacyFreezer(cgroup)
  return legacy !== undefined && isFrozenV1(legacy)
}

/** True when a cgroup of either version is frozen, not only with one above it. */
export const isFrozenItself = (directory: string): boolean => freezesItself(directory) || isFrozenV1(directory)

/** The nearest cgroup above the container's that is frozen itself, with all below it; undefined when there is none. */
export function frozenAbove(cgroup: CgroupPlan): string | undefined {
  for (const directory of [cgroup.unified, directoryOf(cgroup, 'freezer')]) {
    const found = directory === undefined ? undefined : firstFrozenAbove(directory)
    if (found !== undefined) return found
  }
  return undefined
}

function firstFrozenAbove(directory: string): string | undefined {
  for (let at = directory; ;) {
    at = at.slice(0, at.lastIndexOf('/'))
    // Neither file above the mount point.
    if (readFileIfAny(`${at}/cgroup.procs`) === undefined) return undefined
    if (isFrozenItself(at)) return at
  }
}

/**
 * Stops all processes and waits for that; false when they have not all stopped after `limit`
 * milliseconds: those that have stay so until `thaw`.
 * @throws UnsupportedError when the container has no cgroup of its own, SyscallError
 */
export function freeze(cgroup: CgroupPlan, waiter: Waiter, limit: number): Promise<boolean> {
  const { unified } = cgroup
  const legacy = legacyFreezer(cgroup)
  if (unified !== undefined) return freezeUnified(unified, waiter, limit)
  if (legacy !== undefined) return withDeadline(limit, (by) => freezeV1(legacy, waiter, by))
  return Promise.reject(new UnsupportedError('freezer', 'the container has no cgroup that can be frozen'))
}

/**
 * Lets all processes go on that `freeze` has stopped. What is frozen above is never thawed, since others have done it.
 * @returns the cgroup above that still stops them; undefined when they run
 * @throws SyscallError
 */
export function thaw(cgroup: CgroupPlan): string | undefined {
  const { unified } = cgroup
  const legacy = legacyFreezer(cgroup)
  if (unified !== undefined) writeFile(`${unified}/cgroup.freeze`, '0')
  else if (legacy !== undefined) thawV1(legacy)
  return frozenAbove(cgroup)
}

/** cgroups(7): cgroup.events says `frozen 1` when the last one has stopped, and its watchers are told. */
async function freezeUnified(directory: string, waiter: Waiter, limit: number): Promise<boolean> {
  const events = `${directory}/cgroup.events`
  const notice = notifyFile(events)
  try {
    writeFile(`${directory}/cgroup.freeze`, '1')
    return await withDeadline(limit, async (by) => {
      while (!readFile(events).includes('frozen 1')) {
        if (!(await by.readable(notice, waiter))) return false
        drain(notice)
      }
      return true
    })
  } finally {
    closeFile(notice)
  }
}
