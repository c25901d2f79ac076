/** Native: clones tsrun-init to carry a plan out. */
import { SyscallError } from '../errors.js'
import { closeFile, openFile, openFlag, type Launched, type LaunchRequest } from './binding.js'
import type { Waiter } from './wait.js'
import { encodePlan } from '../plan/encode.js'
import type { Step } from '../plan/steps.js'
import type { LaunchPlan } from '../plan/types.js'

let stamped: ((steps: readonly Step[]) => Step[]) | undefined

/** Has the steps of all plans changed by a function that adds stamps (trace.ts). */
export function traceSteps(change: (steps: readonly Step[]) => Step[]): void {
  stamped = change
}

/** What is not in the plan; without it there is nothing of the kind, and the runtime's standard streams. */
type InitInheritance = Partial<Pick<LaunchRequest, 'startFd' | 'stdio' | 'targetFd' | 'cpus'>>

/**
 * Starts init, born in its cgroup of the unified hierarchy when that is given.
 * @throws SyscallError, which says what else than the cgroup itself it takes to be born in one
 */
export async function startInit(
  waiter: Waiter,
  plan: LaunchPlan,
  cgroup?: string,
  inheritance: InitInheritance = {},
): Promise<Launched> {
  const nothing = { startFd: -1, stdio: [0, 1, 2], targetFd: -1, cpus: '' } as const
  const cgroupFd = cgroup === undefined ? -1 : openFile(cgroup, openFlag.path)
  const { cloneFlags, preserveFds } = plan
  try {
    return await waiter.launch({
      plan: encodePlan(stamped === undefined ? plan : { ...plan, steps: stamped(plan.steps) }),
      cloneFlags,
      cgroupFd,
      preserveFds,
      ...nothing,
      ...inheritance,
    })
  } catch (error) {
    explainCgroup(error, cgroup)
    throw error
  } finally {
    if (cgroupFd >= 0) closeFile(cgroupFd)
  }
}

/** cgroups(7), "Delegation Containment". */
function explainCgroup(error: unknown, directory: string | undefined): void {
  if (!(error instanceof SyscallError) || directory === undefined || error.syscall !== 'clone3') return
  if (error.errnoName !== 'EACCES') return
  error.message += `: a process of this cgroup cannot be moved to ${directory}: that takes write permission for cgroup.procs of the cgroup above both (systemd-run --user --scope runs tsrun where a user has it)`
}
