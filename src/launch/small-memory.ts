/** Stage 4, launch: what a limit that is too small or too strict does to the start of a process, and how that is told. */
import type { Config } from '../config/types.js'
import { ProtocolError, SyscallError } from '../errors.js'
import { isRootless } from '../host/facts.js'
import { readFileIfAny } from '../native/binding.js'
import { valueOf } from '../plan/resources/limits.js'
import type { LaunchPlan } from '../plan/types.js'
import { endedAsInit } from '../state/observe.js'
import type { StateRecord } from '../state/record.js'
import { Cgroup } from '../cgroup/cgroup.js'

/**
 * True when missing permission for cgroups is no error: asked for (--rootless), or tsrun runs without
 * the host's root, and the container asks for no certain place.
 */
export function isTolerant(rootless: boolean | 'auto', { linux }: Config): boolean {
  if (rootless === false || (linux?.cgroupsPath ?? '') !== '') return false
  return rootless === true || isRootless()
}

/**
 * Says what is behind an error: whoever finds no memory within a small limit is not always killed.
 * E2BIG is execve(2) without a page for the arguments.
 */
export function explainMemory(error: unknown, { resources }: LaunchPlan): void {
  if (!(error instanceof SyscallError) || valueOf(resources.limits, 'memory.limit') === undefined) return
  if (error.errnoName !== 'ENOMEM' && error.errnoName !== 'E2BIG') return
  error.message += ': the memory limit is too low to start the container'
}

/** Says what a real-time policy takes where the kernel gives a new cpu group of cgroup v1 no time for it. */
export function explainScheduler(error: unknown, { cgroup }: Pick<LaunchPlan, 'cgroup'>): void {
  if (!(error instanceof SyscallError) || error.syscall !== 'sched_setattr' || error.errnoName !== 'EPERM') return
  const time = readFileIfAny(`${new Cgroup(cgroup).controller('cpu') ?? ''}/cpu.rt_runtime_us`)
  if (time?.trim() !== '0') return
  error.message +=
    ": the container's cgroup has no time for real-time policies, see linux.resources.cpu.realtimeRuntime"
}

/** Memory limits below this, in bytes, have little room for the 100 KiB that tsrun-init takes on the way to a program. */
const littleMemory = 1024 * 1024

/** True when what tsrun-init takes is much of the memory that a container may have. */
export function hasLittleMemory({ limits = [] }: StateRecord): boolean {
  const limit = valueOf(limits, 'memory.limit')
  return limit !== undefined && Number(limit) < littleMemory
}

/**
 * Within execve(2) the OOM killer ends init without a word, and the socket as if the program ran.
 * @throws ProtocolError when that has happened to the process
 */
export function assertExecuted(record: StateRecord, pid: number): void {
  if (!hasLittleMemory(record) || !endedAsInit(pid) || !new Cgroup(record.cgroup).oomKilled) return
  const hint = 'the OOM killer struck, the memory limit is too low to start the container'
  throw new ProtocolError(`the init process ended while it executed the program: ${hint}`)
}
