/** Stage 4, launch: the limits of a container as they are now: kept as text in its state. */
import { parseJson } from '../config/json.js'
import { stringifyConfig } from '../config/stringify.js'
import type { Config, Resources } from '../config/types.js'
import { ProtocolError, SyscallError } from '../errors.js'
import { isRootless } from '../host/facts.js'
import { readFileIfAny } from '../native/binding.js'
import type { LaunchPlan } from '../plan/types.js'
import { endedAsInit } from '../state/observe.js'
import type { StateRecord } from '../state/record.js'
import { oomKilled } from '../cgroup/oom.js'
import { directoryOf } from '../cgroup/v1.js'

/** `linux.resources` as JSON text with exact integers, without the device rules, which never change. */
export function stringifyResources({ devices: _, ...resources }: Resources): string {
  return stringifyConfig(resources)
}

/**
 * True when missing permission for cgroups is no error: asked for (--rootless), or tsrun runs without
 * the host's root, and the container asks for no certain place.
 */
export function isTolerant(rootless: boolean | 'auto', { linux }: Config): boolean {
  if (rootless === false || (linux?.cgroupsPath ?? '') !== '') return false
  return rootless === true || isRootless()
}

const memoryLimit = /^memory\.(max|limit_in_bytes)$/

/**
 * Says what is behind an error: whoever finds no memory within a small limit is not always killed.
 * E2BIG is execve(2) without a page for the arguments.
 */
export function explainMemory(error: unknown, { resources }: LaunchPlan): void {
  if (!(error instanceof SyscallError) || !resources.writes.some(({ file }) => memoryLimit.test(file))) return
  if (error.errnoName !== 'ENOMEM' && error.errnoName !== 'E2BIG') return
  error.message += ': the memory limit is too low to start the container'
}

/** Says what a real-time policy takes where the kernel gives a new cpu group of cgroup v1 no time for it. */
export function explainScheduler(error: unknown, { cgroup }: LaunchPlan): void {
  if (!(error instanceof SyscallError) || error.syscall !== 'sched_setattr' || error.errnoName !== 'EPERM') return
  const time = readFileIfAny(`${directoryOf(cgroup, 'cpu') ?? ''}/cpu.rt_runtime_us`)
  if (time?.trim() !== '0') return
  error.message +=
    ": the container's cgroup has no time for real-time policies, see linux.resources.cpu.realtimeRuntime"
}

/** Memory limits below this, in bytes, have little room for the 100 KiB that tsrun-init takes on the way to a program. */
const littleMemory = 1024 * 1024

/** True when what tsrun-init takes is much of the memory that a container may have. */
export function hasLittleMemory({ resources }: StateRecord): boolean {
  if (resources === undefined) return false
  const { memory, unified } = parseJson(resources) as Resources
  // `max` is not a number, and -1 is no limit.
  const limit = Number(unified?.['memory.max'] ?? memory?.limit ?? -1)
  return limit >= 0 && limit < littleMemory
}

/**
 * Within execve(2) the OOM killer ends init without a word, and the socket as if the program ran.
 * @throws ProtocolError when that has happened to the process
 */
export function assertExecuted(record: StateRecord, pid: number): void {
  if (!hasLittleMemory(record) || !endedAsInit(pid) || !oomKilled(record.cgroup)) return
  const hint = 'the OOM killer struck, the memory limit is too low to start the container'
  throw new ProtocolError(`the init process ended while it executed the program: ${hint}`)
}
