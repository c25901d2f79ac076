/** Stage 1, config: rules for id-mapped mounts (config.md "Mounts" and "Linux mount options"). */
import { mountIdMap } from '../id-map.js'
import { isIdMapOption } from '../mount-options.js'
import type { Path } from '../pointer.js'
import type { IDMapping, Mount } from '../types.js'
import { idMapProblems } from './id-map-problems.js'
import type { Rule } from './rule.js'

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
      const mappings = map[name]
      const text = (range: number): string => textOf(mappings[range])
      for (const { index: range, empty, message } of idMapProblems(mappings, text)) {
        const words = range === undefined ? message : `${text(range)}${empty ? ': the size' : ''} ${message}`
        report(isMember && range !== undefined ? [...at, range] : at, words)
      }
    }
  })
}

function optionOf(mount: Mount): Path {
  return ['options', (mount.options ?? []).findLastIndex(isIdMapOption)]
}

const textOf = (one: IDMapping | undefined): string => `${one?.containerID}-${one?.hostID}-${one?.size}`
