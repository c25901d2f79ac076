/** Stage 2, plan: process.rlimits as steps. */
import type { Process } from '../config/types.js'
import { rlimitNumber } from '../config/vocabulary/process.js'
import type { Step } from './steps.js'

/** RLIM_INFINITY of getrlimit(2). */
export const unlimited = 0xffffffffffffffffn

/** One step for each limit. */
export function planRlimits(process: Process): Step[] {
  return (process.rlimits ?? []).map(({ type, soft, hard }) => ({
    op: 'rlimit',
    resource: rlimitNumber[type],
    soft: asUnsigned(soft),
    hard: asUnsigned(hard),
  }))
}

/** Some engines write -1 for "no limit"; in 64 bits that is RLIM_INFINITY. */
function asUnsigned(value: number | bigint): number | bigint {
  return value < 0 ? BigInt.asUintN(64, BigInt(value)) : value
}

const processes = rlimitNumber.RLIMIT_NPROC

/**
 * The same for a process that forks once more before it becomes the program: RLIMIT_NPROC would count the
 * one that forks, so the child sets it, which takes no right where the limit only sinks.
 */
export function planRlimitsAcrossFork(process: Process, { mayRaise }: { mayRaise: boolean }): [Step[], Step[]] {
  const steps = planRlimits(process)
  const inherited = steps.filter((step) => !limitsProcesses(step))
  const own = steps.filter(limitsProcesses)
  if (own.length > 0 && mayRaise)
    inherited.push({ op: 'rlimit', resource: processes, soft: unlimited, hard: unlimited })
  return [inherited, own]
}

function limitsProcesses(step: Step): boolean {
  return step.op === 'rlimit' && step.resource === processes
}
