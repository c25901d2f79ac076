/** Stage 2, plan: names and places of a container's scope, for cgroups that systemd makes. Pure. */
import type { Config } from '../config/types.js'
import { ConfigError, UnsupportedError } from '../errors.js'
import { placeAt } from './cgroup.js'
import type { CgroupPlan, HostFacts } from './types.js'

/** A scope unit (systemd.scope(5)) and the slice that it is in. */
export interface ScopePlan {
  readonly slice: string
  readonly unit: string
}

const problem = (message: string): ConfigError => ConfigError.from([{ pointer: '/linux/cgroupsPath', message }])

/** Characters of unit names (systemd.unit(5)). */
const unitName = /^[\w:.\\@-]+$/

/**
 * The scope that `cgroupsPath` names: `slice:prefix:name`. Without a path it is `tsrun-ID.scope`, without
 * a slice it is in system.slice, for a user's own systemd in user.slice.
 * @throws ConfigError for a path of another form, UnsupportedError for a slice as the container's unit
 */
export function planScope({ linux }: Pick<Config, 'linux'>, id: string, facts: HostFacts): ScopePlan {
  const path = linux?.cgroupsPath ?? ''
  const parts = path === '' ? ['', 'tsrun', id] : path.split(':')
  if (parts.length !== 3) {
    throw problem(
      `expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got ${JSON.stringify(path)} instead`,
    )
  }
  const [slice = '', prefix = '', name = ''] = parts
  if (name.endsWith('.slice')) throw new UnsupportedError('slice', `the unit of a container cannot be a slice: ${name}`)
  const unit = `${prefix === '' ? '' : `${prefix}-`}${name === '' ? id : name}.scope`
  const scope = { slice: slice === '' ? (usesUserManager(facts) ? 'user.slice' : 'system.slice') : slice, unit }
  if (!unitName.test(unit)) throw problem(`${JSON.stringify(unit)} is not a unit name`)
  sliceDirectory(scope.slice)
  return scope
}

/** True when the systemd to ask is that of the user, not that of the system. */
const usesUserManager = ({ euid, inUserNamespace }: HostFacts): boolean => euid !== 0 || inUserNamespace

/**
 * Names that systemd writes with a `_` before them, since the kernel has files like that (systemd: cg_needs_escape).
 * A controller counts when it is all that stands before the last dot.
 */
const reservedName =
  /^([_.]|cgroup\.|(cpu|cpuacct|cpuset|io|blkio|memory|devices|pids)\.[^.]*$|(notify_on_release|release_agent|tasks)$)/

/** The directory of a unit, by its name. */
const directoryName = (unit: string): string => (reservedName.test(unit) ? `_${unit}` : unit)

/** The unit that a directory is of. */
export const unitOf = (directory: string): string => directory.slice(directory.lastIndexOf('/') + 1).replace(/^_/, '')

/**
 * The directory of a slice below systemd's own: `a-b.slice` lies in `a.slice` (systemd.slice(5)).
 * @throws ConfigError for what is not the name of a slice
 */
export function sliceDirectory(slice: string): string {
  if (slice === '-.slice') return ''
  const stem = /^([^/]+)\.slice$/.exec(slice)?.[1]
  const parts = stem?.split('-') ?? ['']
  if (parts.includes('') || !unitName.test(slice)) throw problem(`invalid slice name: ${JSON.stringify(slice)}`)
  return parts.map((_, at) => `/${directoryName(`${parts.slice(0, at + 1).join('-')}.slice`)}`).join('')
}

/** The error for a host on which systemd makes no cgroups for the caller. */
export const systemdUnusable = (why: string): UnsupportedError =>
  new UnsupportedError('systemd', `systemd cannot be used as cgroup manager: ${why}; use the cgroup manager cgroupfs`)

/**
 * Where systemd puts the scope, below its own cgroup: the root, or for a user's systemd one that only it can say.
 * With cgroup v1 the container is at this place in every hierarchy, whether systemd knows it or not.
 * @throws ConfigError, UnsupportedError on a host without cgroups of systemd
 */
export function planSystemdCgroup(config: Pick<Config, 'linux'>, id: string, facts: HostFacts): CgroupPlan {
  const { mode, unified, v1 } = facts.cgroup
  // A user's systemd gets nothing but its own hierarchy of cgroup v1 (systemd: "Control Group APIs and Delegation").
  if (mode !== 'v2' && usesUserManager(facts))
    throw systemdUnusable(`that of a user needs cgroup v2 alone, this host is ${mode}`)
  if (unified === undefined && v1['name=systemd'] === undefined)
    throw systemdUnusable('it has no cgroup hierarchy here')
  const { slice, unit } = planScope(config, id, facts)
  return placeAt(`${sliceDirectory(slice)}/${directoryName(unit)}`, facts.cgroup)
}
