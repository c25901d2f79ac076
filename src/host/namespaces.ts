/** Host: what only a look at the namespaces themselves can tell about a config. */
import { sysctlNamespace, sysctlPath } from '../config/sysctl.js'
import type { Config, NamespaceType } from '../config/types.js'
import { namespaceType } from '../config/vocabulary/namespaces.js'
import { ConfigError, type ConfigIssue } from '../errors.js'
import { fileInfo, hasErrno, sameFile } from '../native/binding.js'

/** True when two paths lead to the same namespace; one that may not be looked at counts as another. @throws SyscallError */
export function sameNamespace(one: string, other: string): boolean {
  try {
    return sameFile(one, other)
  } catch (error) {
    // ptrace(2), "Ptrace access mode checking".
    if (hasErrno(error, 'EACCES') || hasErrno(error, 'EPERM')) return false
    throw error
  }
}

/**
 * True when a process shares this process's namespace of a type. Anybody else's processes count as in
 * another one; a type that the kernel doesn't know is shared by all.
 */
export const sharesNamespace = (pid: number, type: NamespaceType): boolean =>
  sameNamespace(`/proc/self/ns/${namespaceType[type].file}`, `/proc/${pid}/ns/${namespaceType[type].file}`) ||
  fileInfo(`/proc/self/ns/${namespaceType[type].file}`) === undefined

/** The path by which a config joins the runtime's own namespace of a type; undefined when it does not. */
function pathToOwn(config: Config, type: NamespaceType): string | undefined {
  const path = config.linux?.namespaces?.find((namespace) => namespace.type === type)?.path ?? ''
  return path !== '' && sameNamespace(path, `/proc/self/ns/${namespaceType[type].file}`) ? path : undefined
}

/**
 * A namespace joined by path may turn out to be the runtime's own: then a sysctl of the container
 * would change the host, its network devices would be the host's, and pivot_root(2) would take the root
 * from under all processes of the host.
 * @throws ConfigError that names each such sysctl, device and mount namespace
 */
export function assertHostStaysOutside(config: Config): void {
  const issues: ConfigIssue[] = []
  const { sysctl = {}, netDevices = {} } = config.linux ?? {}
  const check = (pointer: string, type: NamespaceType): void => {
    const path = pathToOwn(config, type)
    if (path !== undefined) issues.push({ pointer, message: `"${path}" is the ${type} namespace of the host` })
  }
  for (const key of Object.keys(sysctl)) {
    const type = sysctlNamespace(sysctlPath(key) ?? '')
    if (type !== undefined) check(`/linux/sysctl/${key}`, type)
  }
  const mount = config.linux?.namespaces?.findIndex(({ type }) => type === 'mount') ?? -1
  if (mount >= 0) check(`/linux/namespaces/${mount}/path`, 'mount')
  for (const name of Object.keys(netDevices)) check(`/linux/netDevices/${name}`, 'network')
  if (issues.length > 0) throw ConfigError.from(issues)
}
