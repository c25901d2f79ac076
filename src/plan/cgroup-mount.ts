/** Stage 2, plan: a mount of type cgroup or cgroup2, which shows the container its own cgroups. */
import { cleanPath } from '../config/paths.js'
import { UnsupportedError } from '../errors.js'
import type { Config, Mount } from '../config/types.js'
import type { MountOptions } from './mount-options.js'
import type { StepOf } from './steps.js'
import type { CgroupPlan, HostFacts } from './types.js'

/**
 * Options of a whole hierarchy, which belong to the host. In a cgroup namespace the kernel passes over them; elsewhere
 * the mount is a copy of the host's.
 */
const hierarchyOptions = new Set([
  ...['nsdelegate', 'favordynmods', 'nofavordynmods', 'memory_localevents', 'memory_recursiveprot'],
  ...['memory_hugetlb_accounting', 'pids_localevents', 'xattr'],
])

interface CgroupMountInput {
  readonly config: Pick<Config, 'linux'>
  readonly facts: HostFacts
  readonly cgroup: CgroupPlan
  readonly cgroupNamespace: boolean
}

/**
 * The step for one cgroup mount. Type `cgroup` shows the hierarchies as the host has them: the unified
 * one alone, or one directory for each (config-linux.md "Default Filesystems"); type `cgroup2` always
 * means the unified one.
 */
export function planCgroupMount(mount: Mount, options: MountOptions, input: CgroupMountInput): StepOf<'mountCgroup'> {
  const unknown = options.data.find((option) => !hierarchyOptions.has(option))
  if (unknown !== undefined)
    throw new UnsupportedError('mount option', `a mount of type ${mount.type} has no option ${JSON.stringify(unknown)}`)
  const { mode } = input.facts.cgroup
  const single = mount.type === 'cgroup2' || mode === 'v2' || mode === 'none'
  const unified = unifiedDirectory(input, { whole: single })
  const hierarchies = single ? [] : namedHierarchies(input, unified)
  return {
    op: 'mountCgroup',
    destination: mount.destination,
    version: single ? 2 : 1,
    unified: (single ? unified : undefined) ?? '',
    names: hierarchies.map(({ name }) => name),
    paths: hierarchies.map(({ path }) => path),
    links: hierarchies.flatMap(({ name }) =>
      name.includes(',') ? name.split(',').map((link) => `${link}=${name}`) : [],
    ),
    ownNamespace: input.cgroupNamespace,
    // Nothing is mounted below these mounts, so the recursive attributes are attributes like the others.
    attrSet: options.attributes.set | options.recursive.set,
    attrClear: options.attributes.clear | options.recursive.clear,
    propagation: options.propagation,
  }
}

/**
 * Only hierarchies in which the container has a cgroup of its own: in the others its cgroup is the
 * runtime's, often the root, where release_agent of cgroup v1 runs programs on the host.
 */
function namedHierarchies({ cgroup }: CgroupMountInput, unified: string | undefined): { name: string; path: string }[] {
  const result = Object.entries(cgroup.v1).map(([controllers, path]) => ({
    name: controllers.replace(/^name=/, ''),
    path,
  }))
  if (unified !== undefined) result.push({ name: 'unified', path: unified })
  return result
}

/**
 * The container's directory in the unified hierarchy, or the runtime's own one where the container has none. Without a
 * cgroup namespace root sees the whole hierarchy.
 */
function unifiedDirectory(input: CgroupMountInput, { whole }: { whole: boolean }): string | undefined {
  const { facts, cgroup, config } = input
  const mountPoint = facts.cgroup.unified
  const isConfined =
    input.cgroupNamespace || facts.inUserNamespace || config.linux?.namespaces?.some(({ type }) => type === 'user')
  if (whole && !isConfined) return mountPoint
  if (cgroup.unified !== undefined) return cgroup.unified
  if (mountPoint === undefined) return undefined
  const own = cleanPath(facts.cgroup.own[''] ?? '/')
  return own === '/' ? mountPoint : `${mountPoint}${own}`
}
