/** Stage 1, config: rules for the id mappings of a user namespace (config-linux.md "User namespace mappings"). */
import { pointer, type Path } from '../pointer.js'
import type { ConfigDocument, IDMapping } from '../types.js'
import { idMapProblems } from './id-map-problems.js'
import type { Rule } from './rule.js'

const members = ['uidMappings', 'gidMappings'] as const

/** user_namespaces(7): the kernel takes the whole map or, with a bare EINVAL, nothing of it. */
export const idMappingsFitTheKernel: Rule = ({ linux }, report) => {
  for (const name of members) {
    const at = ['linux', name]
    for (const { index, empty, message } of idMapProblems(linux?.[name] ?? [], (other) => pointer([...at, other]))) {
      report([...at, ...(index === undefined ? [] : [index]), ...(empty ? ['size'] : [])], message)
    }
  }
}

/** True for a namespace that the container gets new; one that is joined has maps already. */
const hasNewUserNamespace = ({ linux }: ConfigDocument): boolean =>
  linux?.namespaces?.some(({ type, path = '' }) => type === 'user' && path === '') === true

const isMapped = (id: number, mappings: readonly IDMapping[]): boolean =>
  mappings.some(({ containerID, size }) => containerID <= id && id < containerID + size)

/** Init sets the container up as its root. */
export const rootIsMapped: Rule = (config, report) => {
  if (!hasNewUserNamespace(config)) return
  for (const name of members) {
    const mappings = config.linux?.[name] ?? []
    if (mappings.length > 0 && !isMapped(0, mappings)) report(['linux', name], 'must map container id 0')
  }
}

/** An id that is not mapped is nobody in the namespace: setuid(2) and the like refuse it with EINVAL. */
export const usersAreMapped: Rule = (config, report) => {
  if (!hasNewUserNamespace(config)) return
  const { uidMappings = [], gidMappings = [] } = config.linux ?? {}
  const check = (id: number | undefined, kind: 'uid' | 'gid', at: Path): void => {
    const mappings = kind === 'uid' ? uidMappings : gidMappings
    if (id === undefined || mappings.length === 0 || isMapped(id, mappings)) return
    report(at, `${kind} ${id} is not in /linux/${kind}Mappings`)
  }
  const { user } = config.process ?? {}
  check(user?.uid, 'uid', ['process', 'user', 'uid'])
  check(user?.gid, 'gid', ['process', 'user', 'gid'])
  user?.additionalGids?.forEach((gid, index) => check(gid, 'gid', ['process', 'user', 'additionalGids', index]))
  config.mounts?.forEach(({ options = [] }, mount) =>
    options.forEach((option, index) => {
      const [, kind, id] = /^([ug]id)=(\d+)$/.exec(option) ?? []
      if (kind !== undefined) check(Number(id), kind as 'uid' | 'gid', ['mounts', mount, 'options', index])
    }),
  )
}
