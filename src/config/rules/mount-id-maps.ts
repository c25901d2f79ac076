/** Stage 1, config: rules for id-mapped mounts (config.md "Mounts" and "Linux mount options"). */
import { mountIdMap } from '../id-map.js'
import { isIdMapOption } from '../mount-options.js'
import type { Path } from '../pointer.js'
import type { IDMapping, Mount } from '../types.js'
import type { Rule } from './rule.js'

/** user_namespaces(7): what one uid_map or gid_map takes since Linux 4.15. */
const maxMappings = 340

/** (uid_t) -1 is nobody's id. */
const maxId = 0xfffffffe

const sides = { containerID: 'container', hostID: 'host' } as const

/** A mount with `idmap` gets its own mappings, or the container's; a mount that can have neither is an error. */
export const idMappedMountsHaveMappings: Rule = (config, report) => {
  config.mounts?.forEach((mount, index) => {
    const at: Path = ['mounts', index]
    const map = mountIdMap(mount, config.linux, (place, message) => report([...at, ...place], message))
    if (map === undefined) return
    if (mount.type === 'cgroup' || mount.type === 'cgroup2') report([...at, 'type'], `${mount.type} takes no idmap`)
    if (mount.options?.includes('remount')) report([...at, 'options'], 'what is mounted already takes no idmap')
  })
}

/** user_namespaces(7): the kernel takes the whole map or, with a bare EINVAL, nothing of it. */
export const mountIdMappingsFitTheKernel: Rule = (config, report) => {
  config.mounts?.forEach((mount, index) => {
    const map = mountIdMap(mount, config.linux, () => undefined)
    for (const name of ['uidMappings', 'gidMappings'] as const) {
      // Those of the container have a rule of their own.
      if (map === undefined || map[name] === config.linux?.[name]) continue
      const isMember = map[name] === mount[name]
      const at: Path = ['mounts', index, ...(isMember ? [name] : optionOf(mount))]
      checkRanges(map[name], (range, message) => {
        report(isMember && range !== undefined ? [...at, range] : at, message)
      })
    }
  })
}

function optionOf(mount: Mount): Path {
  return ['options', (mount.options ?? []).findLastIndex(isIdMapOption)]
}

/** Takes a problem of one range, by its index, or of the whole list. */
type ReportRange = (range: number | undefined, message: string) => void

function checkRanges(mappings: readonly IDMapping[], report: ReportRange): void {
  if (mappings.length > maxMappings) {
    report(undefined, `has ${mappings.length} mappings, the kernel takes ${maxMappings}`)
    return
  }
  mappings.forEach((mapping, index) => {
    const text = (one: IDMapping | undefined): string => `${one?.containerID}-${one?.hostID}-${one?.size}`
    if (mapping.size === 0) report(index, `${text(mapping)}: the size must not be 0`)
    for (const side of ['containerID', 'hostID'] as const) {
      const last = mapping[side] + mapping.size - 1
      if (last > maxId)
        report(index, `${text(mapping)} reaches up to ${sides[side]} id ${last}, the highest is ${maxId}`)
      const other = mappings.slice(0, index).find((one) => overlap(mapping, one, side))
      if (other !== undefined) report(index, `${text(mapping)} overlaps ${text(other)} in the ${sides[side]} ids`)
    }
  })
}

function overlap(one: IDMapping, other: IDMapping, side: 'containerID' | 'hostID'): boolean {
  return one[side] < other[side] + other.size && other[side] < one[side] + one.size
}
