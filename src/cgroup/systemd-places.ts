/** Cgroup: the directories of a scope in all hierarchies: those of systemd, and those that it leaves to the runtime. */
import { SystemdError } from '../errors.js'
import { cgroupMounts, parseOwnCgroups } from '../host/facts.js'
import { readMounts } from '../host/mountinfo.js'
import { readFileIfAny } from '../native/binding.js'
import { placeAt } from '../plan/cgroup.js'
import { unitOf } from '../plan/systemd.js'
import type { CgroupPlan } from '../plan/types.js'
import { Cgroup } from './cgroup.js'
import { parentOf } from './files.js'

/** Where a scope is. */
export interface ScopePlaces {
  readonly cgroup: CgroupPlan
  /** Those of `cgroup` that systemd has not made: of cgroup v1 it knows only some controllers (systemd.resource-control(5)). */
  readonly others: CgroupPlan
}

const isScope = (path: string, unit: string): boolean => unitOf(path) === unit && !path.split('/').includes('..')

const pathsOf = (pid: number): Record<string, string> => parseOwnCgroups(readFileIfAny(`/proc/${pid}/cgroup`) ?? '')

/** Whether a process is in a scope. @throws SyscallError */
export const isInScope = (pid: number, unit: string): boolean =>
  Object.values(pathsOf(pid)).some((path) => isScope(path, unit))

/** Looks where systemd has put a process of the unit; the other hierarchies have their places at the same path. @throws SystemdError */
export function placesOf(pid: number, unit: string): ScopePlaces {
  const own = pathsOf(pid)
  const path = Object.values(own).find((one) => isScope(one, unit))
  if (path === undefined) throw new SystemdError('systemd has made a cgroup that cannot be seen from here')
  const { unified, v1 } = cgroupMounts(readMounts('self', 'cgroup'))
  const left = Object.entries(v1).filter(([hierarchy]) => own[hierarchy] !== path)
  const others = placeAt(path, {
    ...(unified === undefined || own[''] === path ? {} : { unified }),
    v1: Object.fromEntries(left),
  })
  return { cgroup: placeAt(path, unified === undefined ? { v1 } : { unified, v1 }), others }
}

/** The unit and the slice of a scope, by its directory in any hierarchy. */
export function scopeOf(cgroup: CgroupPlan): { unit: string; slice: string } {
  const [directory = ''] = new Cgroup(cgroup).directories
  const slice = unitOf(parentOf(directory))
  return { unit: unitOf(directory), slice: slice.endsWith('.slice') ? slice : '-.slice' }
}
