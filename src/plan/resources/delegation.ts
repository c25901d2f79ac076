/** Stage 2, plan: whether the container may manage cgroups of its own below the one it is given. */
import type { Config, Mount } from '../../config/types.js'
import { isSet } from './limits.js'

/**
 * The host user id that gets the container's directory: that of its user, where a cgroup namespace of
 * the container's own and a writable cgroup mount let it see and use nothing else. Undefined when
 * nothing is to be handed over.
 */
export function planOwner({ process, linux, mounts }: Config): number | undefined {
  const namespaces = linux?.namespaces ?? []
  const isNew = (type: string): boolean => namespaces.some((one) => one.type === type && (one.path ?? '') === '')
  if (!isNew('cgroup') || !mounts?.some(isWritableCgroup)) return undefined
  const uid = process.user?.uid ?? 0
  if (!namespaces.some(({ type }) => type === 'user')) return isSet(uid) ? uid : undefined
  const range = linux?.uidMappings?.find(({ containerID, size }) => uid >= containerID && uid < containerID + size)
  return range === undefined ? undefined : range.hostID + uid - range.containerID
}

function isWritableCgroup({ type, options = [] }: Mount): boolean {
  if (type !== 'cgroup' && type !== 'cgroup2') return false
  const last = options.filter((option) => ['ro', 'rw', 'rro', 'rrw'].includes(option)).at(-1)
  return last?.endsWith('ro') !== true
}
