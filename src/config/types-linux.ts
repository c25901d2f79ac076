/** Stage 1, config: the `linux` member of config.json as readonly types (config-linux.md); see types.ts. */
import type { deviceType, memoryPolicyFlag, memoryPolicyMode, personalityDomain } from './vocabulary/linux.js'
import type { propagation } from './vocabulary/mounts.js'
import type { NamespaceType } from './vocabulary/namespaces.js'
import type { seccompAction, seccompArchitecture, seccompFlag, seccompOperator } from './vocabulary/seccomp.js'
export type { NamespaceType } from './vocabulary/namespaces.js'

/** An integer of 64 bits: a bigint where its magnitude is above 2^53 - 1, so that it stays exact. */
export type Int64 = number | bigint

/** One line of uid_map or gid_map (user_namespaces(7)): `size` ids from `containerID` are those from `hostID`. */
export interface IDMapping {
  readonly containerID: number
  readonly hostID: number
  readonly size: number
}

/** Linux members (config-linux.md). */
export interface Linux {
  readonly namespaces?: readonly Namespace[]
  readonly uidMappings?: readonly IDMapping[]
  readonly gidMappings?: readonly IDMapping[]
  readonly timeOffsets?: Readonly<Partial<Record<TimeOffsetClock, TimeOffset>>>
  readonly devices?: readonly Device[]
  /** By the name of the interface in the runtime namespace. */
  readonly netDevices?: Readonly<Record<string, NetDevice>>
  readonly cgroupsPath?: string
  readonly resources?: Resources
  readonly rootfsPropagation?: RootfsPropagation
  readonly seccomp?: Seccomp
  readonly sysctl?: Readonly<Record<string, string>>
  readonly maskedPaths?: readonly string[]
  readonly readonlyPaths?: readonly string[]
  readonly mountLabel?: string
  readonly intelRdt?: IntelRdt
  readonly memoryPolicy?: MemoryPolicy
  readonly personality?: Personality
}

/** A namespace that is new, or the one at `path` (absolute). */
export interface Namespace {
  readonly type: NamespaceType
  readonly path?: string
}

/** Clocks of time_namespaces(7). */
export type TimeOffsetClock = 'monotonic' | 'boottime'

/** What a clock of the container is ahead of the host's; nanosecs 0 to 999999999. */
export interface TimeOffset {
  readonly secs?: number
  readonly nanosecs?: number
}

/** A device node (config-linux.md "Devices"): char (c, u), block (b) or fifo (p, without numbers). */
export interface Device {
  readonly type: keyof typeof deviceType
  readonly path: string
  readonly major?: number
  readonly minor?: number
  /** Permission bits; bits of the file type are to be ignored. */
  readonly fileMode?: number
  readonly uid?: number
  readonly gid?: number
}

/** A network device to move into the container, and its name there. */
export interface NetDevice {
  readonly name?: string
}

/** Propagation of the root mount: mount(2), recursive with the prefix `r`. */
export type RootfsPropagation = keyof typeof propagation

/** Cgroup limits (config-linux.md "Control groups"). */
export interface Resources {
  readonly devices?: readonly DeviceRule[]
  readonly memory?: MemoryResources
  readonly cpu?: CPUResources
  readonly pids?: PidsResources
  readonly blockIO?: BlockIOResources
  readonly hugepageLimits?: readonly HugepageLimit[]
  readonly network?: NetworkResources
  /** By the name of the RDMA device. */
  readonly rdma?: Readonly<Record<string, RdmaResources>>
  /** Files of cgroup v2 and their content. */
  readonly unified?: Readonly<Record<string, string>>
}

/** A rule of the device list; an absent number or -1 stands for all. */
export interface DeviceRule {
  readonly allow: boolean
  readonly type?: string
  readonly major?: number
  readonly minor?: number
  readonly access?: string
}

/** Bytes; -1 is unlimited. */
export interface MemoryResources {
  readonly limit?: Int64
  readonly reservation?: Int64
  readonly swap?: Int64
  readonly kernel?: Int64
  readonly kernelTCP?: Int64
  readonly swappiness?: Int64
  readonly disableOOMKiller?: boolean
  readonly useHierarchy?: boolean
  readonly checkBeforeUpdate?: boolean
}

/** Times in microseconds; `cpus` and `mems` are lists such as `0-3,7`. */
export interface CPUResources {
  readonly shares?: Int64
  readonly quota?: Int64
  readonly burst?: Int64
  readonly period?: Int64
  readonly realtimeRuntime?: Int64
  readonly realtimePeriod?: Int64
  readonly cpus?: string
  readonly mems?: string
  readonly idle?: Int64
}

/** Number of tasks; -1 is unlimited. */
export interface PidsResources {
  readonly limit?: Int64
}

/** Block I/O weights (10 to 1000) and throttles. */
export interface BlockIOResources {
  readonly weight?: number
  readonly leafWeight?: number
  readonly weightDevice?: readonly BlockIOWeight[]
  readonly throttleReadBpsDevice?: readonly BlockIOThrottle[]
  readonly throttleWriteBpsDevice?: readonly BlockIOThrottle[]
  readonly throttleReadIOPSDevice?: readonly BlockIOThrottle[]
  readonly throttleWriteIOPSDevice?: readonly BlockIOThrottle[]
}

/** Weights of one block device. */
export interface BlockIOWeight {
  readonly major: number
  readonly minor: number
  readonly weight?: number
  readonly leafWeight?: number
}

/** Bytes or operations per second of one block device. */
export interface BlockIOThrottle {
  readonly major: number
  readonly minor: number
  readonly rate?: Int64
}

/** Bytes of huge pages of one size (`2MB`). */
export interface HugepageLimit {
  readonly pageSize: string
  readonly limit: Int64
}

/** net_cls and net_prio of cgroup v1. */
export interface NetworkResources {
  readonly classID?: number
  readonly priorities?: readonly InterfacePriority[]
}

/** Priority of a network interface. */
export interface InterfacePriority {
  readonly name: string
  readonly priority: number
}

/** Limits of one RDMA device. */
export interface RdmaResources {
  readonly hcaHandles?: number
  readonly hcaObjects?: number
}

/** Actions of a filter (seccomp(2)); SCMP_ACT_KILL is SCMP_ACT_KILL_THREAD. */
export type SeccompAction = keyof typeof seccompAction

/** Comparisons of a syscall's argument. */
export type SeccompOperator = keyof typeof seccompOperator

/** Flags of seccomp(2). */
export type SeccompFlag = keyof typeof seccompFlag

/** Architectures that libseccomp knows. */
export type SeccompArch = keyof typeof seccompArchitecture

/** A syscall filter (config-linux.md "Seccomp"). */
export interface Seccomp {
  readonly defaultAction: SeccompAction
  readonly defaultErrnoRet?: number
  readonly architectures?: readonly SeccompArch[]
  /** Absent is not the same as empty: the default flags apply only when absent. */
  readonly flags?: readonly SeccompFlag[]
  readonly listenerPath?: string
  readonly listenerMetadata?: string
  readonly syscalls?: readonly SeccompSyscall[]
}

/** What happens to the named syscalls when all of `args` match. */
export interface SeccompSyscall {
  readonly names: readonly string[]
  readonly action: SeccompAction
  readonly errnoRet?: number
  readonly args?: readonly SeccompArg[]
}

/** A condition on argument `index` (0 to 5). */
export interface SeccompArg {
  readonly index: number
  readonly value: Int64
  readonly valueTwo?: Int64
  readonly op: SeccompOperator
}

/** Intel resource director (config-linux.md "IntelRdt"). */
export interface IntelRdt {
  readonly closID?: string
  readonly schemata?: readonly string[]
  readonly l3CacheSchema?: string
  readonly memBwSchema?: string
  readonly enableMonitoring?: boolean
}

/** Modes of set_mempolicy(2). */
export type MemoryPolicyMode = keyof typeof memoryPolicyMode

/** Flags of set_mempolicy(2). */
export type MemoryPolicyFlag = keyof typeof memoryPolicyFlag

/** Arguments of set_mempolicy(2). */
export interface MemoryPolicy {
  readonly mode: MemoryPolicyMode
  /** A list such as `0-3,7`. */
  readonly nodes?: string
  readonly flags?: readonly MemoryPolicyFlag[]
}

/** Execution domain of personality(2); `flags` are reserved by the spec and have no effect. */
export interface Personality {
  readonly domain: keyof typeof personalityDomain
  readonly flags?: readonly string[]
}
