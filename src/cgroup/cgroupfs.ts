/** Cgroup: the driver that makes cgroups itself, in the file systems of the hierarchies. */
import { isTsrunError, messageChain, StatusError, UnsupportedError } from '../errors.js'
import {
  cgroupSubtree,
  changeOwner,
  fileInfo,
  hasErrno,
  makeDirectory,
  readFileIfAny,
  removeDirectory,
  writeCgroup,
} from '../native/binding.js'
import { restoringWrite } from '../plan/resources/restore.js'
import { hierarchyOf, renderWrites } from '../plan/resources/render.js'
import { firstLimits, lateLimits } from '../plan/resources/timing.js'
import type { CgroupWrite, ResourcePlan } from '../plan/resources/types.js'
import type { CgroupPlan, LaunchPlan } from '../plan/types.js'
import type { CgroupChange, CgroupDriver, CgroupRequest } from './driver.js'
import { cgroupPlaces, removeCgroups } from './end.js'
import { isFrozenItself } from './freezer.js'
import { inheritCpuset } from './v1.js'
import { applyWrites, directoryIn } from './writes.js'
import type { Waiter } from '../native/wait.js'

/** The driver for `cgroupfs`, and for `disabled`, whose plans name no directory. */
export function cgroupfsDriver(waiter: Waiter): CgroupDriver {
  return {
    create: (request) => Promise.resolve().then(() => create(request)),
    finish: (plan) => Promise.resolve().then(() => limitLate(plan)),
    update: (change) => Promise.resolve().then(() => void updateFiles(change)),
    remove: (cgroup) => removeCgroups(cgroup, waiter),
  }
}

function create(request: CgroupRequest): CgroupPlan {
  const { plan, tolerant } = request
  const { resources } = plan
  return orNothing((made) => {
    const cgroup = makeTolerated(request, made)
    if (cgroup.unified !== undefined) enableControllers(cgroup.unified, resources)
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

/** Does work that notes the directories that it makes; when it fails they are removed. */
function orNothing<T>(work: (made: string[]) => T): T {
  const made: string[] = []
  try {
    return work(made)
  } catch (error) {
    for (const directory of made.reverse()) removeIfUnused(directory)
    throw error
  }
}

/**
 * Makes the directory in each hierarchy, noting what is new in `made`. Where that is not permitted the
 * container does without, if it is tolerated and no limit is set there.
 */
function makeTolerated(request: CgroupRequest, made: string[]): CgroupPlan {
  const { id, plan, tolerant } = request
  const limited = plan.resources.limits.map(({ controller }) => hierarchyOf(plan.cgroup, controller))
  const isMade = (hierarchy: string, directory: string): boolean => {
    try {
      if (!makeGroup(directory, hierarchy === 'cpuset', made)) assertUnused(id, directory)
      return true
    } catch (error) {
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
  orNothing((made) => {
    for (const [hierarchy, directory] of cgroupPlaces(cgroup)) {
      if (!makeGroup(directory, hierarchy === 'cpuset', made)) assertUnused(id, directory)
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

/** Makes a directory and those above it that are missing, noting them in `made`; true when it is new. */
function makeGroup(directory: string, isCpuset: boolean, made: string[]): boolean {
  const parent = directory.slice(0, directory.lastIndexOf('/'))
  try {
    makeDirectory(directory, 0o755)
  } catch (error) {
    if (hasErrno(error, 'EEXIST')) return false
    if (!hasErrno(error, 'ENOENT')) throw error
    makeGroup(parent, isCpuset, made)
    return makeGroup(directory, isCpuset, made)
  }
  made.push(directory)
  if (isCpuset) inheritCpuset(directory)
  return true
}

/** An existing cgroup may be used when nobody is in it: its limits and its end are then ours alone. */
function assertUnused(id: string, directory: string): void {
  const count = cgroupSubtree(directory, 'list').length
  const fields = { id, operation: 'create', status: 'creating' }
  if (count > 0) throw new StatusError(`container's cgroup is not empty: ${count} process(es) found`, fields)
  if (isFrozenItself(directory)) throw new StatusError("container's cgroup unexpectedly frozen", fields)
}

const words = (text: string | undefined): string[] => (text ?? '').split(/\s+/).filter(Boolean)

/**
 * Gives a directory of the unified hierarchy all of `wanted` that can be had, from the top down
 * (cgroups(7): a controller reaches a cgroup when all above it have it in cgroup.subtree_control).
 * @throws UnsupportedError when one of `controllers` cannot be had
 */
export function enableControllers(directory: string, { controllers, wanted }: ResourcePlan): void {
  const missing = (): string[] => {
    const present = words(readFileIfAny(`${directory}/cgroup.controllers`))
    return [...controllers, ...wanted].filter((name) => !present.includes(name))
  }
  if (missing().length === 0) return
  let cause: Error | undefined
  for (const ancestor of ancestorsOf(directory)) cause = enableBelow(ancestor, missing()) ?? cause
  const [lacking] = missing().filter((name) => controllers.includes(name))
  if (lacking === undefined) return
  const message = `controller ${JSON.stringify(lacking)} is not available: not in ${directory}/cgroup.controllers`
  throw new UnsupportedError(`cgroup controller ${lacking}`, cause ? `${message} (${cause.message})` : message)
}

/** The cgroups above one, the topmost first. */
function ancestorsOf(directory: string): string[] {
  const result: string[] = []
  let at = directory.slice(0, directory.lastIndexOf('/'))
  while (fileInfo(`${at}/cgroup.subtree_control`) !== undefined) {
    result.unshift(at)
    at = at.slice(0, at.lastIndexOf('/'))
  }
  return result
}

/** All at once, and where one of them is refused, one by one. @returns the last refusal */
function enableBelow(directory: string, names: readonly string[]): Error | undefined {
  const present = words(readFileIfAny(`${directory}/cgroup.controllers`))
  const enabled = words(readFileIfAny(`${directory}/cgroup.subtree_control`))
  const missing = names.filter((name) => present.includes(name) && !enabled.includes(name))
  if (missing.length === 0) return undefined
  const enable = (some: readonly string[]): boolean =>
    writeCgroup(directory, [['cgroup.subtree_control', some.map((name) => `+${name}`).join(' ')]]) === undefined
  if (enable(missing)) return undefined
  const refused = missing.filter((name) => !enable([name]))
  if (refused.length === 0) return undefined
  const list = refused.join(' ')
  return new Error(
    `${directory}/cgroup.subtree_control does not take ${list}: the cgroup may have processes of its own`,
  )
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
  for (const file of words(readFileIfAny('/sys/kernel/cgroup/delegate'))) {
    try {
      changeOwner(`${directory}/${file}`, owner, -1)
    } catch (error) {
      // Listed for a controller that this cgroup doesn't have.
      if (!hasErrno(error, 'ENOENT')) throw error
    }
  }
}
