/** Stage 1, config: the types of namespaces (config-linux.md "Namespaces"). */
import { namesOf } from './table.js'

/** `clone`: the CLONE_NEW* bit (clone(2), time_namespaces(7)); `file`: the name below /proc/PID/ns. */
export const namespaceType = {
  pid: { clone: 0x20000000, file: 'pid' },
  network: { clone: 0x40000000, file: 'net' },
  mount: { clone: 0x00020000, file: 'mnt' },
  ipc: { clone: 0x08000000, file: 'ipc' },
  uts: { clone: 0x04000000, file: 'uts' },
  user: { clone: 0x10000000, file: 'user' },
  cgroup: { clone: 0x02000000, file: 'cgroup' },
  time: { clone: 0x00000080, file: 'time' },
} as const

/** Namespace types as spelled in config.json. */
export type NamespaceType = keyof typeof namespaceType

/** CLONE_NEW* bits by type, in the order of their values. */
export const cloneFlag = Object.fromEntries(
  namesOf(namespaceType)
    .map((name) => [name, namespaceType[name].clone] as const)
    .sort(([, one], [, other]) => one - other),
) as Readonly<Record<NamespaceType, number>>
