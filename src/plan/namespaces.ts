/** Stage 2, plan: which namespaces the first clone makes, and which ones init joins or makes itself. */
import type { Config, Linux, Namespace, NamespaceType, TimeOffset } from '../config/types.js'
import { cloneFlag } from '../config/vocabulary/namespaces.js'
import { bitsOf } from '../config/vocabulary/table.js'
import type { Step } from './steps.js'
import type { HostFacts } from './types.js'

/**
 * Where joined namespaces stand in the plan. The user namespace is the first because the others may
 * belong to it; init tries those that do not before it and after it.
 */
const joinOrder: readonly NamespaceType[] = ['user', 'ipc', 'uts', 'network', 'pid', 'mount', 'cgroup', 'time']

/** The namespaces of one container. */
export interface NamespacePlan {
  /** Flags of the first clone; 0 when a `fork` step makes the container's init process. */
  readonly cloneFlags: number
  /** Up to and including the fork, where there is one that is not the last act. */
  readonly steps: readonly Step[]
  /** Init does all that takes rights before it forks into a pid namespace that others are in. */
  readonly forksLast: boolean
  readonly created: ReadonlySet<NamespaceType>
  readonly joined: ReadonlySet<NamespaceType>
}

/**
 * Decides how the namespaces of config-linux.md "Namespaces" come into being.
 *
 * A pid or time namespace that is joined or made with unshare(2) holds only the children of the one
 * who did it, so then init forks once more, and that fork makes the rest. A cgroup namespace is never
 * in the flags: its root is the cgroup of the moment, which init may have to enter first.
 *
 * Into a pid namespace that others are in init forks as the last thing, as `exec` does: until then they would see it
 * with the rights of the runtime. That takes a kernel that mounts the proc file system of that namespace for it.
 */
export function planNamespaces(
  { linux, mounts = [] }: Pick<Config, 'linux' | 'mounts'>,
  { procOfOthers }: Pick<HostFacts, 'procOfOthers'>,
): NamespacePlan {
  const namespaces = linux?.namespaces ?? []
  const joins = namespaces.filter((namespace) => namespace.path !== undefined && namespace.path !== '')
  const joined = new Set(joins.map((namespace) => namespace.type))
  const created = new Set(namespaces.map((namespace) => namespace.type).filter((type) => !joined.has(type)))

  const flags = bitsOf(
    cloneFlag,
    [...created].filter((type) => type !== 'cgroup' && type !== 'time'),
  )
  if (joined.size === 0 && !created.has('time') && !created.has('user'))
    return { cloneFlags: flags, steps: [], forksLast: false, created, joined }

  const steps: Step[] = []
  if (joined.size > 0) steps.push(joinStep(joins))
  if (created.has('time')) steps.push({ op: 'unshareTime', offsets: timeOffsets(linux) })
  // In a user namespace nobody may trace init (ptrace(2)); in a mount namespace that is joined /proc is what others made it.
  const apart = joined.has('pid') && created.has('mount') && !created.has('user') && !joined.has('user')
  if (apart && (procOfOthers || !mounts.some(({ type }) => type === 'proc')))
    return { cloneFlags: flags, steps, forksLast: true, created, joined }
  steps.push({ op: 'fork', flags })
  return { cloneFlags: 0, steps, forksLast: false, created, joined }
}

function joinStep(joins: readonly Namespace[]): Step {
  const ordered = joins.toSorted((a, b) => joinOrder.indexOf(a.type) - joinOrder.indexOf(b.type))
  return {
    op: 'joinNamespaces',
    paths: ordered.map((namespace) => namespace.path ?? ''),
    types: ordered.map((namespace) => cloneFlag[namespace.type]),
  }
}

/** Lines of /proc/PID/timens_offsets (time_namespaces(7)). */
function timeOffsets(linux: Linux | undefined): string {
  const offsets: Readonly<Partial<Record<string, TimeOffset>>> = linux?.timeOffsets ?? {}
  return Object.entries(offsets)
    .map(([clock, offset]) => `${clock} ${offset?.secs ?? 0} ${offset?.nanosecs ?? 0}\n`)
    .join('')
}
