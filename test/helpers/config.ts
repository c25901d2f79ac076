/** Test helper: the small config.json that tests start from. */
import type { Config } from 'tsrun'

type Mutable<T> = T extends readonly (infer U)[]
  ? Mutable<U>[]
  : T extends object
    ? { -readonly [K in keyof T]: Mutable<T[K]> }
    : T

type Given<T, K extends keyof T> = T & Required<Pick<T, K>>
type MutableConfig = Mutable<Config>
type LinuxConfig = NonNullable<MutableConfig['linux']>

/** A config that a test may change; what the template sets is surely there. */
export type TestConfig = Given<MutableConfig, 'mounts'> & {
  process: Given<MutableConfig['process'], 'env' | 'user'>
  linux: Given<LinuxConfig, 'namespaces'>
}

/** One entry of `mounts`. */
export type TestMount = TestConfig['mounts'][number]

/** Changes the template for one test. */
export type Change = (config: TestConfig) => void

/** What engines give by default, and what it takes to mount. */
const capabilities = [
  ...['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_FSETID', 'CAP_KILL', 'CAP_SETGID', 'CAP_SETUID'],
  ...['CAP_SETPCAP', 'CAP_NET_BIND_SERVICE', 'CAP_NET_RAW', 'CAP_SYS_CHROOT', 'CAP_MKNOD', 'CAP_AUDIT_WRITE'],
  ...['CAP_SETFCAP', 'CAP_SYS_ADMIN'],
]

/**
 * The template: root with many capabilities, five new namespaces (a network namespace is slow to make),
 * and the mounts that every program expects. Its program is the probe.
 */
export function templateConfig(): TestConfig {
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: ['/probe'],
      env: ['PATH=/bin'],
      cwd: '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    },
    root: { path: 'rootfs' },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755'] },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
      },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
    ],
    linux: { namespaces: [{ type: 'pid' }, { type: 'ipc' }, { type: 'uts' }, { type: 'mount' }] },
  }
}

/** Adds a new namespace of a type to the config, or replaces the one that is there; with a path joins that. */
export function setNamespace(config: TestConfig, type: LinuxNamespaceType, path?: string): void {
  const others = config.linux.namespaces.filter((namespace) => namespace.type !== type)
  config.linux.namespaces = [...others, path === undefined ? { type } : { type, path }]
}

/**
 * Gives the config a new user namespace whose ids from 0 on are those from `hostID` on. A sysfs, which takes
 * a network namespace of the same user namespace, is left out.
 */
export function mapIds(config: TestConfig, hostID: number, size = 65_536): void {
  setNamespace(config, 'user')
  config.mounts = config.mounts.filter(({ type }) => type !== 'sysfs')
  config.linux.uidMappings = [{ containerID: 0, hostID, size }]
  config.linux.gidMappings = [{ containerID: 0, hostID, size }]
}

/** Takes a namespace out of the config: the container then shares the runtime's. */
export function dropNamespace(config: TestConfig, type: LinuxNamespaceType): void {
  config.linux.namespaces = config.linux.namespaces.filter((namespace) => namespace.type !== type)
}

/** Kinds of namespaces, as config.json spells them. */
export type LinuxNamespaceType = TestConfig['linux']['namespaces'][number]['type']
