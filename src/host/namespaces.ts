/** Host: what only a look at the namespaces themselves can tell about a config. */
import { sysctlNamespace, sysctlPath } from '../config/sysctl.js'
import type { Config, NamespaceType } from '../config/types.js'
import { ConfigError, type ConfigIssue } from '../errors.js'
import { fileInfo, sameFile } from '../native/binding.js'

const files: Readonly<Record<NamespaceType, string>> = {
  pid: 'pid',
  network: 'net',
  mount: 'mnt',
  ipc: 'ipc',
  uts: 'uts',
  user: 'user',
  cgroup: 'cgroup',
  time: 'time',
}

/**
 * True when a process shares this process's namespace of a type. Anybody else's processes count as in
 * another one; a type that the kernel doesn't know is shared by all.
 */
export const sharesNamespace = (pid: number, type: NamespaceType): boolean =>
  sameFile(`/proc/self/ns/${files[type]}`, `/proc/${pid}/ns/${files[type]}`) ||
  fileInfo(`/proc/self/ns/${files[type]}`) === undefined

/**
 * A namespace joined by path may turn out to be the runtime's own: then a sysctl of the container
 * would change the host.
 * @throws ConfigError that names each such sysctl
 */
export function assertSysctlsStayInside(config: Config): void {
  const issues: ConfigIssue[] = []
  for (const key of Object.keys(config.linux?.sysctl ?? {})) {
    const type = sysctlNamespace(sysctlPath(key) ?? '')
    const path = config.linux?.namespaces?.find((namespace) => namespace.type === type)?.path ?? ''
    if (type === undefined || path === '' || !sameFile(path, `/proc/self/ns/${files[type]}`)) continue
    issues.push({ pointer: `/linux/sysctl/${key}`, message: `"${path}" is the ${type} namespace of the host` })
  }
  if (issues.length > 0) throw ConfigError.from(issues)
}
