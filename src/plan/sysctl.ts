/** Stage 2, plan: linux.sysctl as steps. */
import { sysctlPath } from '../config/sysctl.js'
import type { Linux } from '../config/types.js'
import type { Step } from './steps.js'

/** One step for each parameter, in the order of the config. */
export function planSysctl(linux: Linux | undefined): Step[] {
  return Object.entries(linux?.sysctl ?? {}).map(([key, value]) => ({
    op: 'sysctl',
    key: sysctlPath(key) ?? key,
    value,
  }))
}
