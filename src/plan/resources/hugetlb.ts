/** Stage 2, plan: the hugetlb controller (config-linux.md "Huge page limits"). */
import type { ControllerPlanner } from './values.js'

/** Limits for faults and, where the kernel knows it (5.7), for reservations. */
export const planHugetlb: ControllerPlanner = ({ hugepageLimits = [] }, version) =>
  hugepageLimits.flatMap(({ pageSize, limit }) => {
    const file = version === 2 ? 'max' : 'limit_in_bytes'
    const value = String(limit)
    return [
      { file: `hugetlb.${pageSize}.${file}`, value },
      { file: `hugetlb.${pageSize}.rsvd.${file}`, value, otherwise: 'skip' },
    ]
  })
