/** Stage 2, plan: the pids controller (config-linux.md "PIDs"). */
import type { Int64 } from '../../config/types.js'
import { type ControllerPlanner, limitText } from './values.js'

/**
 * The number of tasks. 0 is a limit like others since runtime-spec 1.3 and is written as it is: init
 * stays, nobody can be added.
 */
export const planPids: ControllerPlanner = ({ pids }) =>
  pids?.limit === undefined ? [] : [{ file: 'pids.max', value: limitText(pids.limit) }]

/**
 * True when the limit must wait until the container is made: a process is not born into a cgroup that
 * takes none, and with 1 tsrun-init could neither fork nor run the createContainer hooks.
 */
export const isTooFewToStart = (limit: Int64 | undefined): boolean => limit !== undefined && limit >= 0 && limit <= 1
