/** Stage 4, launch: pauses and resumes a container. */
import { Cgroup } from '../cgroup/cgroup.js'
import { isTsrunError, StatusError } from '../errors.js'
import { observeStatus } from '../state/observe.js'
import { assertStatus } from '../state/status.js'
import type { ContainerId } from '../state/store.js'
import type { RuntimeContext } from './context.js'

/** Longest time that all processes may take to stop, in milliseconds; the same as runc's. */
const freezeLimit = 10_000

/** Stops a container's processes. @throws StatusError, UnsupportedError without a cgroup, SyscallError */
export async function pauseContainer(context: RuntimeContext, id: ContainerId): Promise<void> {
  await changeStatus(context, id, 'pause', (cgroup) => cgroup.freeze(context.waiter, freezeLimit))
}

/** Lets them go on. @throws StatusError unless it is paused, SyscallError */
export async function resumeContainer(context: RuntimeContext, id: ContainerId): Promise<void> {
  await changeStatus(context, id, 'resume', (cgroup) => {
    const above = cgroup.thaw()
    if (above !== undefined)
      context.onWarning(`container ${id} does not go on yet: the cgroup ${above} above it is frozen`)
    return Promise.resolve(true)
  })
}

/** A pause that fails changes nothing: what has stopped goes on. */
function undo(cgroup: Cgroup, error: unknown): void {
  try {
    cgroup.thaw()
  } catch (failure) {
    if (isTsrunError(error)) error.suppressed.push(failure as Error)
  }
}

async function changeStatus(
  { store, waiter }: RuntimeContext,
  id: ContainerId,
  operation: 'pause' | 'resume',
  change: (cgroup: Cgroup) => Promise<boolean>,
): Promise<void> {
  const lock = await store.lockWith(id, waiter.locked)
  try {
    const record = store.load(id)
    const status = observeStatus(store, id, record)
    assertStatus(id, operation, status)
    const cgroup = new Cgroup(record.cgroup)
    try {
      if (await change(cgroup)) return
    } catch (error) {
      undo(cgroup, error)
      throw error
    }
    cgroup.thaw()
    const message = `cannot ${operation} container ${id}: its processes have not stopped within ${freezeLimit / 1000} s`
    throw new StatusError(message, { id, operation, status })
  } finally {
    lock.release()
  }
}
