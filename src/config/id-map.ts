/**
 * Stage 1, config: which ids a mount is shown with: config.md "Linux mount options" `idmap` and `ridmap`,
 * mount.uidMappings and gidMappings, and maps inside the option as crun takes them
 * (`idmap=uids=0-1-10#10-11-10;gids=@0-0-10`, crun(1) "idmap mount options").
 */
import { isIdMapOption } from './mount-options.js'
import type { Path } from './pointer.js'
import type { IDMapping, Linux, Mount } from './types.js'

/** How the owners of a mount's files are changed. */
export interface MountIdMap {
  /** Also for the mounts below the source. */
  readonly recursive: boolean
  /** The user namespace that is joined by path, whose mappings are taken; then the two lists are empty. */
  readonly userNamespace?: string
  /** Container ids are those on the disk, host ids those that the runtime sees. */
  readonly uidMappings: readonly IDMapping[]
  readonly gidMappings: readonly IDMapping[]
}

type Kind = 'uids' | 'gids'

const memberOf = { uids: 'uidMappings', gids: 'gidMappings' } as const satisfies Record<Kind, keyof Linux & keyof Mount>

/**
 * The id map of a mount; undefined when the mount asks for none, or for one that cannot be told, and then
 * `report` gets every problem with its place below the mount. Without mappings of its own a mount gets
 * those of the container's user namespace.
 */
export function mountIdMap(
  mount: Mount,
  linux: Linux | undefined,
  report: (at: Path, message: string) => void,
): MountIdMap | undefined {
  const at = (mount.options ?? []).findLastIndex(isIdMapOption)
  const [, ...value] = (mount.options?.[at] ?? '').split('=')
  const members = { uids: mount.uidMappings ?? [], gids: mount.gidMappings ?? [] }
  const hasMembers = members.uids.length + members.gids.length > 0
  if (at < 0 && !hasMembers) return undefined
  let problems = 0
  const note = (place: Path, message: string): void => {
    problems++
    report(place, message)
  }
  const option: Path = ['options', at]
  const texts = value.length > 0 ? parseMaps(value.join('='), linux, (message) => note(option, message)) : undefined
  if (texts !== undefined && hasMembers) note(option, 'has mappings, and the mount has uidMappings or gidMappings too')
  for (const kind of ['uids', 'gids'] as const) {
    if (hasMembers && members[kind].length === 0) note([memberOf[kind]], 'is missing: the other mappings are given')
  }
  // As with rbind: whatever comes behind it.
  const recursive = (mount.options ?? []).some((name) => isIdMapOption(name) && name.startsWith('r'))
  if (problems > 0) return undefined
  if (hasMembers) return { recursive, uidMappings: members.uids, gidMappings: members.gids }
  const map = completed(texts ?? {}, linux, (message) => note(option, message))
  return map && { recursive, ...map }
}

/** The mappings that an option names; those that it leaves out are the container's. */
function completed(
  given: Partial<Record<Kind, readonly IDMapping[]>>,
  linux: Linux | undefined,
  report: (message: string) => void,
): Omit<MountIdMap, 'recursive'> | undefined {
  const user = linux?.namespaces?.find((namespace) => namespace.type === 'user')
  const { uids = linux?.uidMappings, gids = linux?.gidMappings } = given
  if (given.uids === undefined && given.gids === undefined && user?.path !== undefined) {
    return { userNamespace: user.path, uidMappings: [], gidMappings: [] }
  }
  if (uids !== undefined && gids !== undefined) return { uidMappings: uids, gidMappings: gids }
  const missing = uids === undefined ? (gids === undefined ? 'mappings' : 'uids') : 'gids'
  report(`needs ${missing}, or a user namespace of the container whose mappings it could take`)
  return undefined
}

/** The part behind `idmap=`. */
function parseMaps(
  text: string,
  linux: Linux | undefined,
  report: (message: string) => void,
): Partial<Record<Kind, readonly IDMapping[]>> {
  const maps: Partial<Record<Kind, readonly IDMapping[]>> = {}
  for (const part of text.split(';')) {
    const [kind, ranges] = part.split('=', 2)
    if ((kind !== 'uids' && kind !== 'gids') || ranges === undefined) {
      report(`${JSON.stringify(part)} is neither uids=… nor gids=…`)
      continue
    }
    const own = linux?.[memberOf[kind]] ?? []
    maps[kind] = ranges.split('#').flatMap((range) => parseRange(range, own, report) ?? [])
  }
  return maps
}

/** `DISK-HOST-SIZE`, or `@DISK-CONTAINER-SIZE`: then the second is an id in the container's user namespace. */
function parseRange(
  range: string,
  own: readonly IDMapping[],
  report: (message: string) => void,
): IDMapping | undefined {
  const match = /^(@?)(\d+)-(\d+)-(\d+)$/.exec(range)
  const [containerID = 0, second = 0, size = 0] = (match?.slice(2) ?? []).map(Number)
  if (match === null || [containerID, second, size].some((id) => id > 0xffffffff)) {
    report(`${JSON.stringify(range)} is not of the form ID-ID-SIZE or @ID-ID-SIZE`)
    return undefined
  }
  if (match[1] === '') return { containerID, hostID: second, size }
  const around = own.find((one) => second >= one.containerID && second + size <= one.containerID + one.size)
  if (around === undefined) {
    report(`${JSON.stringify(range)} is not within one mapping of the container's user namespace`)
    return undefined
  }
  return { containerID, hostID: second - around.containerID + around.hostID, size }
}
