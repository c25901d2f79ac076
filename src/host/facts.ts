/** Probes the host once per process: what planning needs to know and cannot decide. */
import { fileInfo, permittedCapabilities, processIds, readFile, readFileIfAny } from '../native/binding.js'
import { everything, type IdentityFacts } from '../plan/identity.js'
import type { HostFacts, IdMapping } from '../plan/types.js'

type CgroupFacts = HostFacts['cgroup']

const cgroupRoot = '/sys/fs/cgroup'

/** mountinfo writes blanks, tabs, newlines and backslashes as octal (proc(5)). */
const unescapeMount = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))

/**
 * Mount points of the cgroup hierarchies, from /proc/self/mountinfo (proc(5)): the first mount of
 * each counts. The key of a v1 hierarchy is its controller list, or `name=NAME`.
 */
export function parseCgroupMounts(mountinfo: string): { unified?: string; v1: Record<string, string> } {
  const v1: Record<string, string> = {}
  let unified: string | undefined
  for (const line of mountinfo.split('\n')) {
    const [before, after] = line.split(' - ')
    if (before === undefined || after === undefined || !after.startsWith('cgroup')) continue
    const mountPoint = unescapeMount(before.split(' ')[4] ?? '')
    const [type, , options] = after.split(' ')
    if (type === 'cgroup2') unified ??= mountPoint
    if (type === 'cgroup' && options !== undefined) v1[hierarchyName(options)] ??= mountPoint
  }
  return unified === undefined ? { v1 } : { unified, v1 }
}

const notControllers = new Set(['rw', 'ro', 'xattr', 'clone_children', 'cpuset_v2_mode', 'noprefix', 'none'])

function hierarchyName(superOptions: string): string {
  const words = superOptions
    .split(',')
    .filter((word) => !notControllers.has(word) && !word.startsWith('release_agent='))
  return words.find((word) => word.startsWith('name=')) ?? words.join(',')
}

/** Mount point of the resctrl file system, from /proc/self/mountinfo: the first one counts; undefined: none. */
export function parseResctrlMount(mountinfo: string): string | undefined {
  const line = mountinfo.split('\n').find((one) => one.split(' - ')[1]?.startsWith('resctrl '))
  return line === undefined ? undefined : unescapeMount(line.split(' ')[4] ?? '')
}

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

function probeCgroup(): CgroupFacts {
  const own = parseOwnCgroups(readFile('/proc/self/cgroup'))
  const root = readControllers(cgroupRoot)
  if (root !== undefined) return { mode: 'v2', unified: cgroupRoot, v1: {}, controllers: root, own }
  const { unified, v1 } = parseCgroupMounts(readFile('/proc/self/mountinfo'))
  if (unified === undefined) return { mode: Object.keys(v1).length > 0 ? 'v1' : 'none', v1, own }
  const mode = Object.keys(v1).length > 0 ? 'hybrid' : 'v2'
  return { mode, unified, v1, controllers: readControllers(unified) ?? [], own }
}

/** The initial user namespace maps every id to itself (user_namespaces(7)). */
const isInitialIdMap = (map: string): boolean => /^\s*0\s+0\s+4294967295\s*$/.test(map)

/** True when this process's user namespace is not the initial one. */
export const isInUserNamespace = (): boolean => !isInitialIdMap(readFileIfAny('/proc/self/uid_map') ?? '0 0 4294967295')

/** The ids of this process's user namespace, and what they are in the one that it lies in (/proc/self/uid_map, gid_map). */
export function ownIdMap(kind: 'uid' | 'gid'): IdMapping[] {
  const lines = (readFileIfAny(`/proc/self/${kind}_map`) ?? '').split('\n').filter(Boolean)
  return lines.map((line) => {
    const [containerID = 0, hostID = 0, size = 0] = line.trim().split(/\s+/).map(Number)
    return { containerID, hostID, size }
  })
}

/** True where tsrun has no power over the host: not root, or root of a user namespace only. */
export const isRootless = (): boolean => processIds().euid !== 0 || isInUserNamespace()

/** What there is to know about capabilities; without root those of the container's user namespace count. */
export function probeCapabilities(): IdentityFacts {
  const { euid } = processIds()
  return {
    highestCapability: Number(readFileIfAny('/proc/sys/kernel/cap_last_cap') ?? 40),
    grantableCapabilities: euid === 0 ? permittedCapabilities() : everything,
  }
}

/** What the config at hand may ask for, so that no more is probed than it needs. */
export interface ProbeRequest {
  readonly apparmor: boolean
  readonly selinux: boolean
  readonly resctrl?: boolean
}

/** The facts about this host. @throws SyscallError when /proc is not readable */
export function probeHost(request: ProbeRequest): HostFacts {
  const { euid, egid } = processIds()
  const resctrl = request.resctrl ? parseResctrlMount(readFile('/proc/self/mountinfo')) : undefined
  return {
    euid,
    egid,
    inUserNamespace: isInUserNamespace(),
    cgroup: probeCgroup(),
    ...(resctrl === undefined ? {} : { resctrl }),
    apparmor: request.apparmor && readFileIfAny('/sys/module/apparmor/parameters/enabled')?.startsWith('Y') === true,
    selinux: request.selinux && fileInfo('/sys/fs/selinux/enforce') !== undefined,
    ...probeCapabilities(),
  }
}
