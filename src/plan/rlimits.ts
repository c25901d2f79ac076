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
