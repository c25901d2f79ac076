/** Stage 2, plan: a mount added to a container that exists, or taken from it, by a helper in its namespaces. */
import { mountIdMap } from '../config/id-map.js'
import type { Config, Mount, NamespaceType } from '../config/types.js'
import { cloneFlag } from '../config/vocabulary/namespaces.js'
import { UnsupportedError } from '../errors.js'
import { helperPlan } from './helper.js'
import { parseMountOptions } from './mount-options.js'
import { planMounts } from './mounts.js'
import { openSource } from './sources.js'
import type { Step } from './steps.js'
import type { CgroupPlan, HostFacts, LaunchPlan, SourcePlan } from './types.js'

/** What a new mount is planned with. */
export interface AddedMount {
  /** The container's config with this mount alone. */
  readonly config: Config & { readonly mounts: readonly [Mount] }
  readonly bundle: string
  readonly facts: HostFacts
  readonly cgroup: CgroupPlan
  /** Those of the container that are not the runtime's. */
  readonly namespaces: ReadonlySet<NamespaceType>
}

/** What the file system shows is that of namespaces which the helper does not enter. */
const foreignTypes: ReadonlySet<string> = new Set(['proc', 'sysfs', 'mqueue', 'cgroup', 'cgroup2'])

/**
 * The helper's plan: the source is opened, and its ids are mapped, in the runtime's namespaces and with its rights;
 * then it is attached with those of the container's root.
 * @throws UnsupportedError for what cannot be mounted from outside
 */
export function compileAddedMount({ config, bundle, facts, cgroup, namespaces }: AddedMount): LaunchPlan {
  const [mount] = config.mounts
  assertPossible(mount, config)
  const planned = planMounts({ config, bundle, facts, cgroup, cgroupNamespace: false })
  const [step, ...others] = [...planned.steps, ...planned.finish]
  if (step === undefined) throw new UnsupportedError('mounts', `there is nothing to mount at ${mount.destination}`)
  return helperPlan([...sourceSteps(step, planned.sources[0]), ...enterContainer(namespaces), step, ...others, leave])
}

/** The helper's plan: all of the mounts are looked for before the first is taken away. */
export function compileRemovedMounts(
  mounts: readonly Mount[],
  { namespaces }: Pick<AddedMount, 'namespaces'>,
): LaunchPlan {
  const unmounts = (look: boolean): Step[] =>
    mounts.map(({ destination, options = [] }) => ({
      op: 'unmount',
      destination,
      coverLink: parseMountOptions(options).links.destination,
      look,
    }))
  return helperPlan([...enterContainer(namespaces), ...unmounts(true), ...unmounts(false), leave])
}

const leave: Step = { op: 'leave' }

function assertPossible(mount: Mount, { linux }: Config): void {
  const { type = '', options = [] } = mount
  const { bind, remount } = parseMountOptions(options)
  const isBind = bind !== undefined || type === 'bind'
  const refuse = (reason: string): UnsupportedError => new UnsupportedError('mounts', `${mount.destination}: ${reason}`)
  if (remount) throw refuse('a remount could not be taken back: remove the mount and add it anew')
  if (isBind) return
  if (foreignTypes.has(type)) throw refuse(`a ${type} belongs to namespaces, and comes with the container`)
  if (mountIdMap(mount, linux, () => undefined)) throw refuse(`only bind mounts can be added id-mapped, not a ${type}`)
}

/** A bind mount is always of the runtime's files, so what is opened there is held for the container. */
function sourceSteps(step: Step, source: SourcePlan | undefined): Step[] {
  if (step.op !== 'mountBind') return []
  const { destination, recursive, noFollow } = step
  const what = source ?? { destination, source: step.source, type: '', recursive, noFollow }
  const joined = what.idMap?.userNamespace
  const open = openSource(what, 0)
  return joined === undefined ? [open] : [{ op: 'openUserNamespace', path: joined }, open]
}

function enterContainer(namespaces: ReadonlySet<NamespaceType>): Step[] {
  const isUser = namespaces.has('user')
  const types = cloneFlag.mount | (isUser ? cloneFlag.user : 0)
  return [
    { op: 'enterNamespaces', types, procfs: true },
    ...(isUser ? [{ op: 'becomeRoot' } as const] : []),
    { op: 'enterRoot', path: '/' },
  ]
}
