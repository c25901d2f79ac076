/** Stage 4, launch: where a restored container's external mounts and joined namespaces come from. Pure. */
import type { Config } from '../config/types.js'
import type { Message } from '../criu/wire.js'
import type { LaunchPlan } from '../plan/types.js'
import { bindMounts, externalNamespaces, joinedPath, namespaceFile } from './criu-session.js'

/** Device files that a container in a user namespace has from the host. */
const hostDevices = ['/dev/null', '/dev/zero', '/dev/full', '/dev/random', '/dev/urandom', '/dev/tty']

/** Sources by the places under which `checkpoint` has named them; CRIU takes those that it needs. */
export function externalMounts(config: Config, bundle: string, plan: LaunchPlan): Message[] {
  const cgroups = plan.steps.flatMap((step) => {
    if (step.op !== 'mountCgroup') return []
    if (step.version === 2) return [{ key: step.destination, val: step.unified }]
    return step.names.map((name, at) => ({ key: `${step.destination}/${name}`, val: step.paths[at] ?? '' }))
  })
  const masked = (config.linux?.maskedPaths ?? []).map((key) => ({ key, val: '/dev/null' }))
  const devices = [...hostDevices, ...(config.linux?.devices ?? []).map(({ path }) => path)]
  return [...bindMounts(config, bundle), ...cgroups, ...masked, ...devices.map((key) => ({ key, val: key }))]
}

/** Namespaces by path: what CRIU is given as descriptors, and what it joins by itself. */
export function namespaceOptions(config: Config): {
  readonly external: readonly { readonly name: string; readonly path: string }[]
  readonly joinNs: Message[]
} {
  const external = externalNamespaces.flatMap(({ type, name }) => {
    const path = joinedPath(config, type)
    return path === undefined ? [] : [{ name, path }]
  })
  const joinNs = (['ipc', 'uts', 'time'] as const).flatMap((type) => {
    const nsFile = joinedPath(config, type)
    return nsFile === undefined ? [] : [{ ns: namespaceFile(type), nsFile }]
  })
  return { external, joinNs }
}
