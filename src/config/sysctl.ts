/** Stage 1, config: names of kernel parameters (sysctl(8)) and the namespace that each belongs to. */
import type { NamespaceType } from './types.js'

/** Parameters of an ipc namespace, besides all of fs/mqueue (ipc_namespaces(7)). */
const ipcParameters: readonly string[] = [
  'kernel/msgmax',
  'kernel/msgmnb',
  'kernel/msgmni',
  'kernel/sem',
  'kernel/shmall',
  'kernel/shmmax',
  'kernel/shmmni',
  'kernel/shm_rmid_forced',
]

/**
 * The path below /proc/sys of a key of `linux.sysctl`, or undefined when it is not one. As in sysctl(8)
 * the first separator decides: `net.ipv4.conf.eno2/100.mtu` and `net/ipv4/conf/eno2.100/mtu` are the same.
 */
export function sysctlPath(key: string): string | undefined {
  const dot = key.indexOf('.')
  const slash = key.indexOf('/')
  const isDotted = dot !== -1 && (slash === -1 || dot < slash)
  const swap = (part: string) => part.replaceAll('/', '.')
  const path = isDotted ? key.split('.').map(swap).join('/') : key
  const isUsual = path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  return isUsual ? path : undefined
}

/** The type of namespace that has its own value of the parameter, or undefined when the whole host shares it. */
export function sysctlNamespace(path: string): NamespaceType | undefined {
  if (ipcParameters.includes(path) || path.startsWith('fs/mqueue/')) return 'ipc'
  if (path.startsWith('net/')) return 'network'
  if (path === 'kernel/domainname' || path === 'kernel/hostname') return 'uts'
  if (path.startsWith('user/')) return 'user'
  return undefined
}
