/**
 * Probes the host: what planning needs to know and cannot decide. A program that asks again and again keeps some of it
 * (kept.ts).
 */
import { isKernelSince } from '../config/kernel-release.js'
import { UnsupportedError } from '../errors.js'
import { fileInfo, kernelRelease, permittedCapabilities, processIds, readFileIfAny } from '../native/binding.js'
import { everything, type IdentityFacts } from '../plan/identity.js'
import type { HostFacts, IdMapping } from '../plan/types.js'
import { lasting, untilMounts } from './kept.js'
import { readMounts, type MountLine } from './mountinfo.js'

type CgroupFacts = HostFacts['cgroup']

const cgroupRoot = '/sys/fs/cgroup'

/**
 * Mount points of the cgroup hierarchies: the first mount of each counts. The key of a v1 hierarchy is its
 * controller list, or `name=NAME`.
 */
export function cgroupMounts(mounts: readonly MountLine[]): { unified?: string; v1: Record<string, string> } {
  const v1: Record<string, string> = {}
  for (const { type, point, options } of mounts) if (type === 'cgroup') v1[hierarchyName(options)] ??= point
  const unified = mountPointOf('cgroup2', mounts)
  return unified === undefined ? { v1 } : { unified, v1 }
}

const notControllers = new Set(['rw', 'ro', 'xattr', 'clone_children', 'cpuset_v2_mode', 'noprefix', 'none'])

function hierarchyName(superOptions: readonly string[]): string {
  const words = superOptions.filter((word) => !notControllers.has(word) && !word.startsWith('release_agent='))
  return words.find((word) => word.startsWith('name=')) ?? words.join(',')
}

/** Where a file system of this type is mounted first; undefined: nowhere. */
export const mountPointOf = (type: string, mounts: readonly MountLine[]): string | undefined =>
  mounts.find((mount) => mount.type === type)?.point

/** The caller's cgroup in each hierarchy, from /proc/self/cgroup (cgroups(7)); `''` is the unified one. */
export function parseOwnCgroups(text: string): Record<string, string> {
  const own: Record<string, string> = {}
  for (const line of text.split('\n')) {
    const match = /^\d+:([^:]*):(.*)$/.exec(line)
    if (match?.[1] !== undefined && match[2] !== undefined) own[match[1]] = match[2]
  }
  return own
}

const readControllers = (directory: string): string[] | undefined =>
  readFileIfAny(`${directory}/cgroup.controllers`)?.split(/\s+/).filter(Boolean)

/** Other mounts may lie over one, or over the directory that it is in: mountinfo does not tell. */
const isReachable = ({ point }: MountLine): boolean => fileInfo(`${point}/cgroup.procs`) !== undefined

/** A file that every proc file system has. @throws UnsupportedError where none is mounted, SyscallError */
export function readProc(path: string): string {
  const text = readFileIfAny(path)
  if (text !== undefined) return text
  throw new UnsupportedError('/proc', `there is no ${path}: tsrun needs a proc file system at /proc`)
}

/** Where the hierarchies are that can be reached. */
const reachableHierarchies = untilMounts(() => cgroupMounts(readMounts('self', 'cgroup').filter(isReachable)))

function probeCgroup(): CgroupFacts {
  const own = parseOwnCgroups(readProc('/proc/self/cgroup'))
  const root = readControllers(cgroupRoot)
  if (root !== undefined) return { mode: 'v2', unified: cgroupRoot, v1: {}, controllers: root, own }
  const { unified, v1 } = reachableHierarchies()
  if (unified === undefined) return { mode: Object.keys(v1).length > 0 ? 'v1' : 'none', v1, own }
  const mode = Object.keys(v1).length > 0 ? 'hybrid' : 'v2'
  return { mode, unified, v1, controllers: readControllers(unified) ?? [], own }
}

/** The initial user namespace maps every id to itself (user_namespaces(7)). */
const isInitialIdMap = (map: string): boolean => /^\s*0\s+0\s+4294967295\s*$/.test(map)

/** True when this process's user namespace is not the initial one. Its map is written once, and no thread can leave it. */
export const isInUserNamespace = lasting(
  (): boolean => !isInitialIdMap(readFileIfAny('/proc/self/uid_map') ?? '0 0 4294967295'),
)

/**
 * The ids of a process's user namespace, and what they are in this process's, or for itself in the one above
 * (/proc/PID/uid_map, gid_map).
 */
export function idMapOf(pid: number | 'self', kind: 'uid' | 'gid'): IdMapping[] {
  const lines = (readFileIfAny(`/proc/${pid}/${kind}_map`) ?? '').split('\n').filter(Boolean)
  return lines.map((line) => {
    const [containerID = 0, hostID = 0, size = 0] = line.trim().split(/\s+/).map(Number)
    return { containerID, hostID, size }
  })
}

/** True where tsrun has no power over the host: not root, or root of a user namespace only. */
export const isRootless = (): boolean => processIds().euid !== 0 || isInUserNamespace()

/** The same of this process's own. */
export const ownIdMap = (kind: 'uid' | 'gid'): IdMapping[] => idMapOf('self', kind)

const highestCapability = lasting((): number => Number(readFileIfAny('/proc/sys/kernel/cap_last_cap') ?? 40))

/** What there is to know about capabilities; without root those of the container's user namespace count. */
export function probeCapabilities(): IdentityFacts {
  const { euid } = processIds()
  return {
    highestCapability: highestCapability(),
    grantableCapabilities: euid === 0 ? permittedCapabilities() : everything,
  }
}

/** What the config at hand may ask for, so that no more is probed than it needs. */
export interface ProbeRequest {
  readonly apparmor: boolean
  readonly selinux: boolean
  readonly resctrl?: boolean
  /** It joins one of others. */
  readonly pidNamespace?: boolean
}

/** The facts about this host. @throws SyscallError when /proc is not readable */
export function probeHost(request: ProbeRequest): HostFacts {
  const { euid, egid } = processIds()
  const resctrl = request.resctrl ? mountPointOf('resctrl', readMounts('self', 'resctrl')) : undefined
  return {
    euid,
    egid,
    inUserNamespace: isInUserNamespace(),
    cgroup: probeCgroup(),
    ...(resctrl === undefined ? {} : { resctrl }),
    // By its number: an attempt would cost a mount.
    procOfOthers: request.pidNamespace === true && isKernelSince(kernelRelease(), '6.17'),
    apparmor: request.apparmor && readFileIfAny('/sys/module/apparmor/parameters/enabled')?.startsWith('Y') === true,
    selinux: request.selinux && fileInfo('/sys/fs/selinux/enforce') !== undefined,
    ...probeCapabilities(),
  }
}
