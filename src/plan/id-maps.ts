/** Stage 2, plan: who the ids of a new user namespace are outside of it, and what an ordinary user may say of that. */
import { readAnnotations } from '../config/annotations.js'
import type { Config, IDMapping } from '../config/types.js'
import { ConfigError } from '../errors.js'
import type { NamespacePlan } from './namespaces.js'
import type { HostFacts, LaunchPlan } from './types.js'

/** The members of a LaunchPlan that are about ids. */
export type IdMapPlan = Pick<LaunchPlan, 'uidMappings' | 'gidMappings' | 'denySetgroups'>

type IdFacts = Pick<HostFacts, 'euid' | 'egid'>

/** True for the one map that needs no help: the caller's own id, alone (user_namespaces(7)). */
export const mapsOwnId = (maps: readonly IDMapping[], own: number): boolean =>
  maps.length === 1 && maps[0]?.hostID === own && maps[0].size === 1

/**
 * The id maps of a new user namespace; nothing where none is made.
 * @throws ConfigError when the runtime is not root and the config has no user namespace, or names
 * additional groups where the kernel lets nobody set any
 */
export function planIdMaps(
  { process, linux, annotations }: Config,
  namespaces: NamespacePlan,
  facts: IdFacts,
): IdMapPlan {
  const { created, joined } = namespaces
  if (facts.euid !== 0 && !created.has('user') && !joined.has('user')) {
    const message = `a user namespace is missing, without which uid ${facts.euid} can make no container (see: tsrun spec --rootless)`
    throw ConfigError.from([{ pointer: '/linux/namespaces', message }])
  }
  if (!created.has('user')) return {}
  const { uidMappings = [], gidMappings = [] } = linux ?? {}
  // Whoever could leave a group might gain by it, where files are closed to the group alone.
  const denySetgroups = facts.euid !== 0 && mapsOwnId(gidMappings, facts.egid)
  const sets = !readAnnotations(annotations).keepGroups
  if (denySetgroups && sets && (process.user?.additionalGids ?? []).length > 0) {
    const message = 'additional groups cannot be set where only the group of the caller is mapped'
    throw ConfigError.from([{ pointer: '/process/user/additionalGids', message }])
  }
  return { uidMappings, gidMappings, ...(denySetgroups ? { denySetgroups } : {}) }
}
