/** Stage 2, plan: the LaunchPlan, the only structure that crosses into native code. */
import type { MountIdMap } from '../config/id-map.js'
import type { Config } from '../config/types.js'
import type { IntelRdtPlan } from './intel-rdt.js'
import type { DeviceRulePlan } from './resources/devices.js'
import type { ResourcePlan } from './resources/types.js'
import type { SeccompRequest } from './seccomp.js'
import type { PlanEvent, Step, StepOf } from './steps.js'

export type { NamespaceType } from '../config/types.js'

/** One line of uid_map or gid_map (user_namespaces(7)). */
export interface IdMapping {
  readonly containerID: number
  readonly hostID: number
  readonly size: number
}

/** A mount, or the rootfs, that init may need the rights of the runtime for. */
export interface SourcePlan {
  readonly destination: string
  /** The rootfs itself, which is opened and not cloned. */
  readonly rootfs?: true
  /** Absolute path that is opened; empty for a new file system, which init makes itself. */
  readonly source: string
  /** The file system's type; empty for a bind mount. */
  readonly type: string
  readonly recursive: boolean
  /** A symbolic link itself, not what it leads to. */
  readonly noFollow?: boolean
  /** Absent: only where init may not reach the source. */
  readonly idMap?: MountIdMap
}

/** Who makes the cgroups: tsrun itself, systemd, or nobody. */
export type CgroupManager = 'cgroupfs' | 'systemd' | 'disabled'

/** Where the container's processes are accounted: directories below the cgroup mounts of the host. */
export interface CgroupPlan {
  /** Directory in the unified hierarchy, absolute; absent where the host has none. */
  readonly unified?: string
  /** Directories in cgroup v1 hierarchies by controller list, for example `cpu,cpuacct`; absolute. */
  readonly v1: Readonly<Record<string, string>>
}

/** A network device of the runtime's namespace, and its name in the container's. */
export interface NetDevicePlan {
  readonly name: string
  readonly target: string
}

/** What is to be done, in order, as plain data: made by compile.ts, obeyed by native code. */
export interface LaunchPlan {
  readonly version: 1
  /**
   * CLONE_* bits of the first clone. 0 when namespaces must be joined or made by `tsrun-init` itself;
   * then a `fork` step makes the container's init process.
   */
  readonly cloneFlags: number
  readonly cgroup: CgroupPlan
  /** Limits: what the parent writes to those directories. */
  readonly resources: ResourcePlan
  /** Group of the Intel resource director, made or found before init is born. */
  readonly intelRdt?: IntelRdtPlan
  /** Devices that may be used, in force before init is born. */
  readonly deviceRules: readonly DeviceRulePlan[]
  /** Written by the parent at the `namespaces` event; absent without a new user namespace. */
  readonly uidMappings?: readonly IdMapping[]
  readonly gidMappings?: readonly IdMapping[]
  /** The parent gives up setgroups(2) for the namespace, without which it may not map its own group. */
  readonly denySetgroups?: true
  /** Moved by the parent at the `namespaces` event. */
  readonly netDevices: readonly NetDevicePlan[]
  /** What the parent's helper opens when init asks for it, by its place from 1 on (sources.ts). */
  readonly sources: readonly SourcePlan[]
  /** The barriers at which the parent has something to do before init may go on. */
  readonly waits: readonly PlanEvent[]
  /** Descriptors 3 … 2 + preserveFds stay open in the container. */
  readonly preserveFds: number
  /** True when init makes a terminal and sends its ptmx (process.terminal). */
  readonly terminal: boolean
  /** Who gets the descriptor of a filter with SCMP_ACT_NOTIFY, and the text that goes with it. */
  readonly seccompListener?: { readonly path: string; readonly metadata: string }
  /** Set by the parent once init has forked for the last time, where a fork would take it back. */
  readonly scheduler?: StepOf<'scheduler'>
  /** What the config asks for and the container will not have, one sentence each (config.md: warnings). */
  readonly warnings: readonly string[]
  readonly steps: readonly Step[]
}

/** What compilePlan starts from. */
export interface PlanInput {
  readonly id: string
  readonly config: Config
  /** Absolute path without symbolic links. */
  readonly bundle: string
  /** Absolute path without symbolic links. */
  readonly rootfs: string
  readonly facts: HostFacts
  readonly options: PlanOptions
  /** Turns the rules of linux.seccomp into struct sock_filter[]; the addon's, or a stand-in. */
  readonly compileSeccomp: (request: SeccompRequest) => Uint8Array
}

/** What the runtime caller decides, as opposed to config.json. */
export interface PlanOptions {
  /** Move the root instead of pivot_root(2), for a root on a ramfs. */
  readonly noPivot: boolean
  /** Keep the session keyring of the caller. */
  readonly noNewKeyring: boolean
  /** Name of the container's session keyring: where nobody can guess it, nobody can have made one of that name. */
  readonly keyring?: string
  /** Descriptors from 3 on (after those of `listenFds`) that the container gets. */
  readonly preserveFds: number
  /** Descriptors from 3 on that come with socket activation (LISTEN_FDS of sd_listen_fds(3)). */
  readonly listenFds?: number
  /** Default: `cgroupfs`. With `disabled` the container stays in the runtime's own cgroup. */
  readonly cgroupManager?: CgroupManager
  /** The cgroups that could be made, where they are fewer than planned. */
  readonly cgroup?: CgroupPlan
  /** True for `create`: init waits for `start`; false for `run`. */
  readonly waitForStart: boolean
}

/** What planning needs to know of the host; probed by src/host/facts.ts, never by the planners. */
export interface HostFacts {
  /** Effective user id of the runtime. */
  readonly euid: number
  /** Effective group id of the runtime. */
  readonly egid: number
  /** True when the runtime itself runs in a user namespace that is not the initial one. */
  readonly inUserNamespace: boolean
  readonly cgroup: {
    /** `v2`: only cgroup2 at /sys/fs/cgroup; `hybrid`: v1 controllers and a unified mount; `v1`; `none`. */
    readonly mode: 'v2' | 'hybrid' | 'v1' | 'none'
    /** Mount point of the cgroup2 hierarchy. */
    readonly unified?: string
    /** Mount point of each v1 hierarchy by its controller list (`cpu,cpuacct`, `name=systemd`). */
    readonly v1: Readonly<Record<string, string>>
    /** Controllers of the unified hierarchy (its topmost cgroup.controllers); absent: none. */
    readonly controllers?: readonly string[]
    /** The runtime's own cgroup in each hierarchy: key `''` for the unified one. */
    readonly own: Readonly<Record<string, string>>
  }
  /** Mount point of the resctrl file system, if there is one; probed where it matters. */
  readonly resctrl?: string
  /** A proc file system of a pid namespace can be mounted by a process outside of it (Linux 6.17); probed where it matters. */
  readonly procOfOthers: boolean
  readonly apparmor: boolean
  readonly selinux: boolean
  /** The last capability that the kernel knows, by its bit. */
  readonly highestCapability: number
  /** What the runtime can hand on where no user namespace is entered, a set of bits. */
  readonly grantableCapabilities: bigint
}
