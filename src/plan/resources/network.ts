/** Stage 2, plan: net_cls and net_prio, which only cgroup v1 has (config-linux.md "Network"). */
import type { ControllerPlanner } from './values.js'

/** The class id of the container's packets. */
export const planNetworkClass: ControllerPlanner = ({ network }) =>
  network?.classID === undefined ? [] : [{ file: 'net_cls.classid', value: String(network.classID) }]

/** Their priority, by interface. */
export const planNetworkPriorities: ControllerPlanner = ({ network }) =>
  (network?.priorities ?? []).map(({ name, priority }) => ({
    file: 'net_prio.ifpriomap',
    value: `${name} ${priority}`,
  }))
