/**
 * Stage 1, config: config.json of runtime-spec 1.3 for Linux as readonly types, member names verbatim.
 * Null members of the document count as absent, unknown members and those of other platforms are dropped.
 */

import type { ioPriorityClass, rlimitNumber, schedulerFlag, schedulerPolicy } from './vocabulary/process.js'
import type { IDMapping, Int64, Linux } from './types-linux.js'
export type * from './types-linux.js'

/** A config.json that passed schema and rules (config.md). */
export interface Config extends ConfigDocument {
  readonly root: Root
  readonly process: Process
}

/** A config.json that passed the schema: the spec lets it omit what only `start` needs. */
export interface ConfigDocument {
  readonly ociVersion?: string
  readonly root?: Root
  readonly mounts?: readonly Mount[]
  readonly process?: Process
  readonly hostname?: string
  readonly domainname?: string
  readonly hooks?: Hooks
  readonly annotations?: Readonly<Record<string, string>>
  readonly linux?: Linux
}

/** The root file system (config.md "Root"); `path` is absolute or relative to the bundle. */
export interface Root {
  readonly path: string
  readonly readonly?: boolean
}

/** One mount (config.md "Mounts"); `destination` is absolute and lexically clean after loading. */
export interface Mount {
  readonly destination: string
  readonly type?: string
  readonly source?: string
  readonly options?: readonly string[]
  readonly uidMappings?: readonly IDMapping[]
  readonly gidMappings?: readonly IDMapping[]
}

/** The container's process, also what `exec --process` reads (config.md "Process"). */
export interface Process {
  readonly terminal?: boolean
  readonly consoleSize?: ConsoleSize
  /** Absolute in the container. */
  readonly cwd: string
  /** Each `NAME=value`. */
  readonly env?: readonly string[]
  /** At least one; `args[0]` is looked up in the container's PATH. */
  readonly args: readonly string[]
  readonly user?: User
  readonly rlimits?: readonly Rlimit[]
  readonly apparmorProfile?: string
  readonly capabilities?: Capabilities
  readonly noNewPrivileges?: boolean
  /** -1000 to 1000. */
  readonly oomScoreAdj?: number
  readonly scheduler?: Scheduler
  readonly selinuxLabel?: string
  readonly ioPriority?: IOPriority
  readonly execCPUAffinity?: ExecCPUAffinity
}

/** Characters, 0 to 65535 each. */
export interface ConsoleSize {
  readonly height: number
  readonly width: number
}

/** The process's user (config.md "POSIX-platform User"): ids 0 to 2^32 - 2; of umask the kernel takes 0o777. */
export interface User {
  readonly uid?: number
  readonly gid?: number
  readonly umask?: number
  readonly additionalGids?: readonly number[]
}

/** Names of the resources of setrlimit(2). */
export type RlimitType = keyof typeof rlimitNumber

/** One resource limit; 2^64 - 1 is RLIM_INFINITY. */
export interface Rlimit {
  readonly type: RlimitType
  readonly soft: Int64
  readonly hard: Int64
}

/** Capability sets by name (`CAP_CHOWN`); names that nobody knows are kept, planning warns about them. */
export interface Capabilities {
  readonly bounding?: readonly string[]
  readonly effective?: readonly string[]
  readonly inheritable?: readonly string[]
  readonly permitted?: readonly string[]
  readonly ambient?: readonly string[]
}

/** Policies of sched_setattr(2). */
export type SchedulerPolicy = keyof typeof schedulerPolicy

/** Flags of sched_setattr(2). */
export type SchedulerFlag = keyof typeof schedulerFlag

/** Arguments of sched_setattr(2); times in nanoseconds. */
export interface Scheduler {
  readonly policy: SchedulerPolicy
  /** -20 to 19. */
  readonly nice?: number
  /** 1 to 99, SCHED_FIFO and SCHED_RR only. */
  readonly priority?: number
  readonly flags?: readonly SchedulerFlag[]
  readonly runtime?: Int64
  readonly deadline?: Int64
  readonly period?: Int64
}

/** Classes of ioprio_set(2). */
export type IOPriorityClass = keyof typeof ioPriorityClass

/** Arguments of ioprio_set(2); priority 0 to 7, 0 when absent. */
export interface IOPriority {
  readonly class: IOPriorityClass
  readonly priority?: number
}

/** CPU lists such as `0-3,7` for processes added by `exec`, before and after they join the cgroup. */
export interface ExecCPUAffinity {
  readonly initial?: string
  readonly final?: string
}

/** The six hook lists (config.md "POSIX-platform Hooks"). */
export interface Hooks {
  readonly prestart?: readonly Hook[]
  readonly createRuntime?: readonly Hook[]
  readonly createContainer?: readonly Hook[]
  readonly startContainer?: readonly Hook[]
  readonly poststart?: readonly Hook[]
  readonly poststop?: readonly Hook[]
}

/** One hook; `path` is absolute, `timeout` in seconds and above 0. */
export interface Hook {
  readonly path: string
  readonly args?: readonly string[]
  readonly env?: readonly string[]
  readonly timeout?: number
}
