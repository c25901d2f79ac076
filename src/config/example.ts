/** Stage 1, config: the config.json that `tsrun spec` writes, equal in content to that of `runc spec`. */
import type { Config, Linux, Mount, Namespace, NamespaceType } from './types.js'

/** What the example is written for. */
export interface ExampleOptions {
  /** For a user who is not root: a user namespace, and nothing that needs more than that. */
  readonly rootless?: boolean | undefined
  /** A cgroup namespace: where the host's cgroup hierarchy is v2. */
  readonly cgroupNamespace?: boolean | undefined
  /** Host ids that a rootless container maps to its root; 0 when not given. */
  readonly uid?: number | undefined
  readonly gid?: number | undefined
}

/** A new config.json that runs a shell on a terminal, in the root file system `rootfs`. */
export function exampleConfig(options: ExampleOptions = {}): Config {
  // none of them inheritable or ambient: CVE-2022-24769
  const capabilities = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE']
  return {
    ociVersion: '1.3.0',
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ['sh'],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
      cwd: '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'tsrun',
    mounts: options.rootless === true ? rootlessMounts() : mounts(),
    linux: linux(options),
  }
}

function linux({ rootless = false, cgroupNamespace = false, uid = 0, gid = 0 }: ExampleOptions): Linux {
  const types: NamespaceType[] = rootless ? ['pid', 'ipc', 'uts', 'mount'] : ['pid', 'network', 'ipc', 'uts', 'mount']
  if (cgroupNamespace) types.push('cgroup')
  if (rootless) types.push('user')
  const namespaces: readonly Namespace[] = types.map((type) => ({ type }))
  return {
    ...(rootless
      ? {
          uidMappings: [{ containerID: 0, hostID: uid, size: 1 }],
          gidMappings: [{ containerID: 0, hostID: gid, size: 1 }],
        }
      : { resources: { devices: [{ allow: false, access: 'rwm' }] } }),
    namespaces,
    maskedPaths: [
      '/proc/acpi',
      '/proc/asound',
      '/proc/kcore',
      '/proc/keys',
      '/proc/latency_stats',
      '/proc/timer_list',
      '/proc/timer_stats',
      '/proc/sched_debug',
      '/sys/firmware',
      '/proc/scsi',
      '/sys/devices/virtual/tpm',
    ],
    readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
  }
}

function mounts(): Mount[] {
  return [
    { destination: '/proc', type: 'proc', source: 'proc' },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    {
      destination: '/dev/shm',
      type: 'tmpfs',
      source: 'shm',
      options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'],
    },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
    },
  ]
}

/** Only root's ids are mapped, and a sysfs may only be mounted by who owns the network namespace. */
function rootlessMounts(): Mount[] {
  return mounts().map((mount) => {
    if (mount.destination === '/sys') {
      return {
        destination: '/sys',
        type: 'none',
        source: '/sys',
        options: ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'],
      }
    }
    if (mount.options === undefined) return mount
    return { ...mount, options: mount.options.filter((option) => !/^[ug]id=/.test(option)) }
  })
}
