/** Cgroup: the driver that makes cgroups itself, in the file systems of the hierarchies. */
import { isTsrunError, messageChain, StatusError, UnsupportedError } from '../errors.js'
import {
  cgroupSubtree,
  changeOwner,
  hasErrno,
  makeDirectory,
  readFileIfAny,
  removeDirectory,
} from '../native/binding.js'
import { restoringWrite } from '../plan/resources/restore.js'
import { hierarchyOf, renderWrites } from '../plan/resources/render.js'
import { firstLimits, lateLimits } from '../plan/resources/timing.js'
import type { CgroupWrite } from '../plan/resources/types.js'
import type { CgroupPlan, LaunchPlan } from '../plan/types.js'
import type { CgroupChange, CgroupDriver, CgroupRequest } from './driver.js'
import { Cgroup, isFrozenItself } from './cgroup.js'
import { Claim, unusable } from './claim.js'
import { enableControllers } from './controllers.js'
import { removeCgroups } from './end.js'
import { parentOf, wordsIn } from './files.js'
import { inheritCpuset } from './v1.js'
import { applyWrites, directoryIn } from './writes.js'
import type { Waiter } from '../native/wait.js'

/** The driver for `cgroupfs`, and for `disabled`, whose plans name no directory. */
export function cgroupfsDriver(waiter: Waiter): CgroupDriver {
  const claim = new Claim()
  return {
    create: (request) => Promise.resolve().then(() => create(request, claim)),
    finish: (plan) =>
      Promise.resolve().then(() => {
        limitLate(plan)
        claim.release()
      }),
    update: (change) => Promise.resolve().then(() => void updateFiles(change)),
    remove(cgroup) {
      claim.release()
      return removeCgroups(cgroup, waiter)
    },
  }
}

function create(request: CgroupRequest, claim: Claim): CgroupPlan {
  const { id, plan, tolerant } = request
  const { resources } = plan
  return orNothing((undo) => {
    undo.push(() => claim.release())
    const cgroup = makeTolerated(request, claim, undo)
    if (new Cgroup(cgroup).isStopped) assertThawed(id, cgroup)
    if (cgroup.unified !== undefined) undo.push(enableControllers(cgroup.unified, resources))
    applyWrites(cgroup, renderWrites(firstLimits(resources.limits), resources.limits, cgroup))
    if (cgroup.unified !== undefined && resources.owner !== undefined) {
      delegate(cgroup.unified, resources.owner, { tolerant })
    }
    return cgroup
  })
}

function limitLate({ cgroup, resources: { limits } }: LaunchPlan): void {
  applyWrites(cgroup, renderWrites(lateLimits(limits), limits, cgroup))
}

/** Does work that notes how it is undone, which happens when it fails. */
function orNothing<T>(work: (undo: (() => void)[]) => T): T {
  const undo: (() => void)[] = []
  try {
    return work(undo)
  } catch (error) {
    for (const step of undo.reverse()) step()
    throw error
  }
}

/**
 * Makes the directory in each hierarchy and claims them. Where that is not permitted the
 * container does without, if it is tolerated and no limit is set there.
 */
function makeTolerated(request: CgroupRequest, claim: Claim, undo: (() => void)[]): CgroupPlan {
  const { id, plan, tolerant } = request
  const limited = plan.resources.limits.map(({ controller }) => hierarchyOf(plan.cgroup, controller))
  const isMade = (hierarchy: string, directory: string): boolean => {
    try {
      const isNew = claim.held
        ? makeGroup(directory, hierarchy === 'cpuset', undo)
        : claim.make(id, directory, () => makeGroup(directory, hierarchy === 'cpuset', undo))
      if (!isNew) assertUnused(id, directory)
      return true
    } catch (error) {
      // What another container has claimed meanwhile is that one's to remove.
      if (!claim.held && error instanceof StatusError) undo.length = 0
      if (!isPermission(error)) throw error
      if (tolerant && !limited.includes(hierarchy)) return false
      throw refusal(error, hierarchy, request)
    }
  }
  const { unified, v1 } = plan.cgroup
  const withUnified = unified !== undefined && isMade('', unified)
  const joined = Object.entries(v1).filter(([hierarchy, directory]) => isMade(hierarchy, directory))
  return { ...(withUnified ? { unified } : {}), v1: Object.fromEntries(joined) }
}

/** Says what it was for: which limits, or the place that the config asks for. */
function refusal(error: unknown, hierarchy: string, { config, plan }: CgroupRequest): UnsupportedError {
  const all = plan.resources.limits
  const writes = renderWrites(all, all, plan.cgroup)
  const limits = writes.filter((write) => write.hierarchy === hierarchy).map(({ file }) => file)
  const what = limits.length > 0 ? `set ${limits.join(', ')}` : `use cgroupsPath "${config.linux?.cgroupsPath ?? ''}"`
  const message = `cannot ${what} (linux.${limits.length > 0 ? 'resources' : 'cgroupsPath'}): ${messageChain(error)}`
  return new UnsupportedError(
    'cgroup delegation',
    `${message}; it takes a cgroup that is delegated to the user of tsrun`,
  )
}

/** Makes all directories of a plan; on failure none of them is left. @throws StatusError when one is in use, SyscallError */
export function makeGroups(id: string, cgroup: CgroupPlan): void {
  orNothing((undo) => {
    for (const [hierarchy, directory] of new Cgroup(cgroup).places) {
      if (!makeGroup(directory, hierarchy === 'cpuset', undo)) assertUnused(id, directory)
    }
  })
}

/** Writes limits; when one is rejected, all files get their old values back. @returns what gives them back later */
export function updateFiles({ cgroup, resources, all }: CgroupChange): (error?: unknown) => void {
  const writes = renderWrites(resources.limits, all, cgroup, resources)
  if (cgroup.unified !== undefined) enableControllers(cgroup.unified, resources)
  const before = writes.flatMap((write) => oldValue(cgroup, write))
  const undo = (error?: unknown): void => {
    for (const { path, text, write } of before) {
      if (readFileIfAny(path) === text) continue
      try {
        applyWrites(cgroup, [write])
      } catch (failure) {
        if (isTsrunError(error)) error.suppressed.push(failure as Error)
      }
    }
  }
  try {
    applyWrites(cgroup, writes)
  } catch (error) {
    undo(error)
    throw error
  }
  return undo
}

/** What a file says now and the write that makes it say so again; of the other file where that is the one written to. */
function oldValue(cgroup: CgroupPlan, write: CgroupWrite): { path: string; text: string; write: CgroupWrite }[] {
  const path = `${directoryIn(cgroup, write.hierarchy) ?? ''}/${write.file}`
  const text = readFileIfAny(path)
  if (text !== undefined) return [{ path, text, write: restoringWrite(write, text) }]
  const { otherwise } = write
  return typeof otherwise === 'object' ? oldValue(cgroup, { hierarchy: write.hierarchy, ...otherwise }) : []
}

const isPermission = (error: unknown): boolean => ['EACCES', 'EPERM', 'EROFS'].some((name) => hasErrno(error, name))

/** Somebody else may have come to use a directory above the container's. */
function removeIfUnused(directory: string): void {
  try {
    removeDirectory(directory)
  } catch (error) {
    if (!hasErrno(error, 'EBUSY') && !hasErrno(error, 'ENOTEMPTY')) throw error
  }
}

/** Makes a directory and those above it that are missing, noting how that is undone; true when it is new. */
function makeGroup(directory: string, isCpuset: boolean, undo: (() => void)[]): boolean {
  const parent = parentOf(directory)
  try {
    makeDirectory(directory, 0o755)
  } catch (error) {
    if (!hasErrno(error, 'EEXIST')) {
      if (!hasErrno(error, 'ENOENT') || parent === '') throw error
      makeGroup(parent, isCpuset, undo)
      return makeGroup(directory, isCpuset, undo)
    }
    if (isCpuset) inheritCpuset(directory, { isNew: false })
    return false
  }
  undo.push(() => removeIfUnused(directory))
  if (isCpuset) inheritCpuset(directory, { isNew: true })
  return true
}

/** An existing cgroup may be used when nobody is in it: its limits and its end are then ours alone. */
function assertUnused(id: string, directory: string): void {
  const count = cgroupSubtree(directory, 'list').length
  if (count > 0) throw unusable(id, `container's cgroup is not empty: ${count} process(es) found`)
}

/** A process that is born into a frozen cgroup does nothing, and its parent waits for it. @throws StatusError */
export function assertThawed(id: string, plan: CgroupPlan): void {
  const cgroup = new Cgroup(plan)
  if (cgroup.directories.some(isFrozenItself)) throw unusable(id, "container's cgroup unexpectedly frozen")
  const above = cgroup.frozenAbove()
  if (above !== undefined)
    throw unusable(id, `the cgroup ${above} above that of the container is frozen: thaw it first`)
}

/** Only a convenience where the runtime is not root: then the owner stays. */
function delegate(directory: string, owner: number, { tolerant }: { tolerant: boolean }): void {
  try {
    delegateTo(directory, owner)
  } catch (error) {
    if (!tolerant || !isPermission(error)) throw error
  }
}

/** Hands a directory over to a user, with the files that the kernel lists for that (cgroups(7), "Delegation"). */
export function delegateTo(directory: string, owner: number): void {
  changeOwner(directory, owner, -1)
  for (const file of wordsIn('/sys/kernel/cgroup', 'delegate')) {
    try {
      changeOwner(`${directory}/${file}`, owner, -1)
    } catch (error) {
      // Listed for a controller that this cgroup doesn't have.
      if (!hasErrno(error, 'ENOENT')) throw error
    }
  }
}
