/**
 * Stage 1, config: config.json of runtime-spec 1.3 for Linux as readonly types, member names verbatim.
 * They follow from the shapes of src/config/schema, which have the comments about single members. Null
 * members of the document count as absent, unknown members and those of other platforms are dropped.
 */
import type { documentShape } from './schema/index.js'
import type { TypeOf } from './schema/shape.js'
export type { Int64 } from './schema/values.js'
export type { NamespaceType } from './vocabulary/namespaces.js'

/** What a list has. */
type Item<L> = L extends readonly (infer T)[] ? T : never
/** What an optional member has when it is there. */
type Member<T, N extends keyof T> = NonNullable<T[N]>

/** A config.json that passed the schema: the spec lets it omit what only `start` needs. */
export type ConfigDocument = TypeOf<ReturnType<typeof documentShape>>

/** A config.json that passed schema and rules (config.md). */
export type Config = ConfigDocument & Required<Pick<ConfigDocument, 'root' | 'process'>>

/** One mount (config.md "Mounts"). */
export type Mount = Item<ConfigDocument['mounts']>
/** The container's process, also what `exec --process` reads (config.md "Process"). */
export type Process = Config['process']
/** The process's user (config.md "POSIX-platform User"). */
export type User = Member<Process, 'user'>
/** Capability sets by name (config.md "Linux Process"). */
export type Capabilities = Member<Process, 'capabilities'>
/** Names of the resources of setrlimit(2). */
export type RlimitType = Item<Process['rlimits']>['type']
/** Arguments of sched_setattr(2). */
export type Scheduler = Member<Process, 'scheduler'>
/** The six hook lists (config.md "POSIX-platform Hooks"). */
export type Hooks = Member<ConfigDocument, 'hooks'>
/** One hook; `path` is absolute, `timeout` in seconds and above 0. */
export type Hook = Item<Hooks['prestart']>

/** Linux members (config-linux.md). */
export type Linux = Member<ConfigDocument, 'linux'>
/** A namespace that is new, or the one at `path` (absolute). */
export type Namespace = Item<Linux['namespaces']>
/** One line of uid_map or gid_map (user_namespaces(7)): `size` ids from `containerID` are those from `hostID`. */
export type IDMapping = Item<Linux['uidMappings']>
/** What a clock of the container is ahead of the host's; nanosecs 0 to 999999999. */
export type TimeOffset = NonNullable<Member<Linux, 'timeOffsets'>['monotonic']>
/** A device node (config-linux.md "Devices"): char (c, u), block (b) or fifo (p, without numbers). */
export type Device = Item<Linux['devices']>
/** Intel resource director (config-linux.md "IntelRdt"). */
export type IntelRdt = Member<Linux, 'intelRdt'>
/** Modes of set_mempolicy(2). */
export type MemoryPolicyMode = Member<Linux, 'memoryPolicy'>['mode']

/** Cgroup limits (config-linux.md "Control groups"). */
export type Resources = Member<Linux, 'resources'>
/** A rule of the device list; an absent number or -1 stands for all. */
export type DeviceRule = Item<Resources['devices']>
/** Bytes; -1 is unlimited. */
export type MemoryResources = Member<Resources, 'memory'>
/** Times in microseconds. */
export type CPUResources = Member<Resources, 'cpu'>
/** Block I/O weights and throttles. */
export type BlockIOResources = Member<Resources, 'blockIO'>
/** Bytes or operations per second of one block device. */
export type BlockIOThrottle = Item<BlockIOResources['throttleReadBpsDevice']>

/** A syscall filter (config-linux.md "Seccomp"). */
export type Seccomp = Member<Linux, 'seccomp'>
/** Actions of a filter (seccomp(2)). */
export type SeccompAction = Seccomp['defaultAction']
/** Flags of seccomp(2). */
export type SeccompFlag = Item<Seccomp['flags']>
/** What happens to the named syscalls when all of `args` match. */
export type SeccompSyscall = Item<Seccomp['syscalls']>
/** A condition on argument `index` (0 to 5). */
export type SeccompArg = Item<SeccompSyscall['args']>
/** Comparisons of a syscall's argument. */
export type SeccompOperator = SeccompArg['op']
