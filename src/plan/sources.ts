/** Stage 2, plan: mounts that take the rights of the runtime: the parent's part of them, and its helper's steps. */
import { mountIdMap } from '../config/id-map.js'
import type { Config, Mount } from '../config/types.js'
import { UnsupportedError } from '../errors.js'
import { helperPlan } from './helper.js'
import { cloneFlag } from '../config/vocabulary/namespaces.js'
import type { Step } from './steps.js'
import type { HostFacts, IdMapping, LaunchPlan, SourcePlan } from './types.js'

interface MountedSource {
  readonly input: { readonly config: Config; readonly facts: Pick<HostFacts, 'euid'> }
  readonly mount: Mount
  /** Grows when the parent has a part in this mount. */
  readonly sources: SourcePlan[]
}

/**
 * The fields of a mounting step that tell init when to turn to the parent, and the entry of `sources` that
 * they lead to. Id mappings always take rights over the file system.
 * @throws UnsupportedError for an id-mapped mount without root
 */
export function sourceFields(
  { input, mount, sources }: MountedSource,
  what: Pick<SourcePlan, 'source' | 'type' | 'recursive' | 'noFollow'>,
): { parentSource: number; idMapped: boolean } {
  const idMap = mountIdMap(mount, input.config.linux, () => undefined)
  if (idMap !== undefined && input.facts.euid !== 0) {
    const message = `${mount.destination}: an id-mapped mount takes the rights of root over its file system`
    throw new UnsupportedError('idmap', message)
  }
  if (idMap === undefined && (what.source === '' || !mayBeDenied(input))) return { parentSource: 0, idMapped: false }
  sources.push({ destination: mount.destination, ...what, ...(idMap === undefined ? {} : { idMap }) })
  return { parentSource: sources.length, idMapped: idMap !== undefined }
}

/** The rootfs as the first of the `sources`, where init may not reach it. */
export function rootfsSource(input: MountedSource['input'] & { readonly rootfs: string }): SourcePlan[] {
  if (!mayBeDenied(input)) return []
  return [{ destination: '/', rootfs: true, source: input.rootfs, type: '', recursive: true }]
}

/**
 * The root of a user namespace may not reach what the runtime's can; whether it is so only init finds out.
 * In a mount namespace that is joined, which others have filled, no rights but init's own are lent.
 */
function mayBeDenied({ config, facts }: MountedSource['input']): boolean {
  const namespaces = config.linux?.namespaces ?? []
  const isNew = namespaces.some(({ type, path }) => type === 'mount' && path === undefined)
  return isNew && namespaces.some(({ type }) => type === 'user') && facts.euid === 0
}

/** Lines of uid_map or gid_map (user_namespaces(7)). */
export function idMapText(mappings: readonly IdMapping[]): string {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('')
}

/** The plan of the helper: it opens the sources in the container's mount namespace, as the runtime's user. */
export function compileSources(sources: readonly SourcePlan[]): LaunchPlan {
  const userNamespace = sources.find(({ idMap }) => idMap?.userNamespace !== undefined)?.idMap?.userNamespace
  return helperPlan([
    // Paths of the runtime's mount namespace, so before it is left.
    ...(userNamespace === undefined ? [] : [{ op: 'openUserNamespace', path: userNamespace } as const]),
    { op: 'enterNamespaces', types: cloneFlag.mount, procfs: true },
    ...sources.map((source, index) => openSource(source, index + 1)),
    { op: 'leave' },
  ])
}

/** The step that opens a source: for the init that asks for this number, or with 0 for the next step of the same plan. */
export function openSource(one: SourcePlan, number: number): Step {
  const { source, type, recursive, noFollow = false, idMap } = one
  return {
    op: 'openSource',
    number,
    source,
    rootfs: one.rootfs === true,
    type,
    recursive,
    noFollow,
    held: number === 0,
    idMapped: idMap !== undefined,
    mapBelow: idMap?.recursive === true,
    uidMap: idMapText(idMap?.uidMappings ?? []),
    gidMap: idMapText(idMap?.gidMappings ?? []),
  }
}
