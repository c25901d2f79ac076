/** Stage 3, state: the statuses of a container and what may be done in which. */
import { StatusError } from '../errors.js'

/** Status of a container (runtime.md "State"); `paused` is the extension that all runtimes have. */
export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped'

/** Operations that depend on the status. */
export type Operation = 'start' | 'kill' | 'delete' | 'exec' | 'pause' | 'resume' | 'update' | 'checkpoint' | 'mounts'

const allowed: Readonly<Record<Operation, readonly Status[]>> = {
  start: ['created'],
  kill: ['creating', 'created', 'running', 'paused'],
  delete: ['created', 'stopped'],
  exec: ['created', 'running'],
  pause: ['created', 'running'],
  resume: ['paused'],
  update: ['created', 'running', 'paused'],
  checkpoint: ['running', 'paused'],
  mounts: ['created', 'running', 'paused'],
}

/** What engines and people know from runc; several of these are searched for by engines. */
function words(id: string, operation: Operation, status: Status): string {
  if (operation === 'start') {
    if (status === 'stopped') return 'cannot start a container that has stopped'
    if (status === 'running') return 'cannot start an already running container'
    return `cannot start a container in the ${status} state`
  }
  if (operation === 'delete') return `cannot delete container ${id} that is not stopped: ${status}`
  if (operation === 'exec') {
    return status === 'paused'
      ? 'cannot exec in a paused container (use --ignore-paused to override)'
      : `cannot exec in a ${status} container`
  }
  if (operation === 'checkpoint') return `cannot checkpoint a container in the ${status} state`
  if (operation === 'resume') return 'container not paused'
  return 'container not running'
}

/** @throws StatusError when the operation is not possible in this status */
export function assertStatus(id: string, operation: Operation, status: Status): void {
  if (!allowed[operation].includes(status)) {
    throw new StatusError(words(id, operation, status), { id, operation, status })
  }
}
