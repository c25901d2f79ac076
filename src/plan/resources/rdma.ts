/** Stage 2, plan: the rdma controller, the same in both versions (config-linux.md "RDMA"). */
import type { ControllerPlanner, Write } from './values.js'

/** Limits of handles and objects, by device. */
export const planRdma: ControllerPlanner = ({ rdma = {} }) =>
  Object.entries(rdma).flatMap(([device, { hcaHandles, hcaObjects }]): Write[] => {
    const limits = [
      ...(hcaHandles === undefined ? [] : [`hca_handle=${hcaHandles}`]),
      ...(hcaObjects === undefined ? [] : [`hca_object=${hcaObjects}`]),
    ]
    return limits.length === 0 ? [] : [{ file: 'rdma.max', value: [device, ...limits].join(' ') }]
  })
