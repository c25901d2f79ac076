/** Stage 2, plan: process.rlimits as steps. */
import type { Process, RlimitType } from '../config/types.js'
import type { Step } from './steps.js'

/** RLIMIT_* numbers of asm-generic/resource.h, which every architecture of tsrun uses. */
export const rlimitNumber = {
  RLIMIT_CPU: 0,
  RLIMIT_FSIZE: 1,
  RLIMIT_DATA: 2,
  RLIMIT_STACK: 3,
  RLIMIT_CORE: 4,
  RLIMIT_RSS: 5,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8,
  RLIMIT_AS: 9,
  RLIMIT_LOCKS: 10,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_MSGQUEUE: 12,
  RLIMIT_NICE: 13,
  RLIMIT_RTPRIO: 14,
  RLIMIT_RTTIME: 15,
} as const satisfies Record<RlimitType, number>

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
