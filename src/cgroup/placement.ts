/** Cgroup: the cgroups of a process that `exec` adds. */
import { cleanPath } from '../config/paths.js'
import { UsageError } from '../errors.js'
import { writeCgroup } from '../native/binding.js'
import type { CgroupPlan } from '../plan/types.js'
import { Cgroup } from './cgroup.js'
import { writeError } from './writes.js'

/** Controller of the unified hierarchy in `--cgroup PATH`. */
const unifiedKey = ''

/**
 * The cgroups below those of the container that `--cgroup` names: `PATH` in the unified hierarchy,
 * `ctrl[,ctrl]:PATH` in those of cgroup v1. They must be there already, and cannot be elsewhere.
 * @throws UsageError
 */
function subCgroups(plan: CgroupPlan, wanted: readonly string[]): CgroupPlan {
  const paths = parsePaths(wanted)
  const v1: Record<string, string> = {}
  const used = new Set<string>()
  for (const [controllers, directory] of Object.entries(plan.v1)) {
    const name = [controllers, ...controllers.split(',')].find((one) => paths.has(one))
    if (name !== undefined) used.add(name)
    v1[controllers] = below(directory, paths.get(name ?? '*') ?? '')
  }
  if (plan.unified !== undefined) used.add(unifiedKey)
  const unknown = [...paths.keys()].find((name) => !used.has(name))
  if (unknown !== undefined) {
    const what = unknown === unifiedKey ? 'no cgroup in a unified hierarchy' : `no cgroup of controller ${unknown}`
    throw new UsageError(`invalid --cgroup argument: the container has ${what}`)
  }
  return {
    ...plan,
    v1,
    ...(plan.unified === undefined ? {} : { unified: below(plan.unified, paths.get(unifiedKey) ?? '') }),
  }
}

function parsePaths(wanted: readonly string[]): Map<string, string> {
  const paths = new Map<string, string>()
  for (const argument of wanted) {
    const colon = argument.indexOf(':')
    if (colon < 0 && wanted.length > 1) {
      throw new UsageError(`invalid --cgroup argument: ${argument} (missing <controller>: prefix)`)
    }
    for (const name of colon < 0 ? [unifiedKey] : argument.slice(0, colon).split(',')) {
      if (colon >= 0 && name === '') {
        throw new UsageError(`invalid --cgroup argument: ${argument} (empty <controller> prefix)`)
      }
      if (paths.has(name)) {
        throw new UsageError(`invalid --cgroup argument(s): controller ${name} specified multiple times`)
      }
      paths.set(name, argument.slice(colon + 1))
    }
  }
  return paths
}

/** Not by cleanPath alone, which would silently take `../..` for the container's own cgroup. */
function below(directory: string, path: string): string {
  if (path.split('/').includes('..'))
    throw new UsageError(`invalid --cgroup argument: ${path} is not a sub cgroup path`)
  const inside = cleanPath(`/${path}`)
  return inside === '/' ? directory : `${directory}${inside}`
}

/** The cgroups of a new process: those that it begins in, and those that it joins right before its program. */
export interface Placement {
  /** It is born in `unified`, and joins those of `v1` at once. */
  readonly first: CgroupPlan
  readonly last: CgroupPlan
}

/**
 * Where a process is accounted: in the container's cgroups, or those below that are `wanted`. In a frozen
 * cgroup nobody can even begin, so a process joins a paused container when it has begun. One with little
 * memory it joins last of all, which takes longer on cgroup v2: then only execve(2) needs any of it.
 * @throws UsageError
 */
export function placeProcess(
  own: CgroupPlan,
  wanted: readonly string[] | undefined,
  { paused, littleMemory }: { paused: boolean; littleMemory: boolean },
): Placement {
  const cgroup = wanted?.length ? subCgroups(own, wanted) : own
  const none: CgroupPlan = { v1: {} }
  if (paused) return { first: { v1: Object.fromEntries(new Cgroup(cgroup).places) }, last: none }
  return littleMemory ? { first: none, last: cgroup } : { first: cgroup, last: none }
}

/** Moves a process into cgroups; its memory up to then stays accounted where it was. @throws SyscallError */
export function joinCgroups(pid: number, plan: CgroupPlan): void {
  for (const directory of new Cgroup(plan).directories) {
    const write = { file: 'cgroup.procs', value: String(pid) }
    const rejected = writeCgroup(directory, [[write.file, write.value]])
    if (rejected !== undefined) throw writeError(directory, write, rejected)
  }
}
