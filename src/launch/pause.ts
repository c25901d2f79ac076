/** Stage 4, launch: pauses and resumes a container. */
import { freeze, thaw } from '../cgroup/freezer.js'
import { isTsrunError, StatusError } from '../errors.js'
import type { CgroupPlan } from '../plan/types.js'
import { observeStatus } from '../state/observe.js'
import { assertStatus } from '../state/status.js'
import type { ContainerId } from '../state/store.js'
import type { RuntimeContext } from './context.js'

/** Longest time that all processes may take to stop, in milliseconds; the same as runc's. */
const freezeLimit = 10_000

/** Stops a container's processes. @throws StatusError, UnsupportedError without a cgroup, SyscallError */
export async function pauseContainer(context: RuntimeContext, id: ContainerId): Promise<void> {
  await changeStatus(context, id, 'pause', async (cgroup) => {
    try {
      return await freeze(cgroup, context.waiter, freezeLimit)
    } catch (error) {
      undo(cgroup, error)
      throw error
    }
  })
}

/** A pause that fails changes nothing: what has stopped goes on. */
function undo(cgroup: CgroupPlan, error: unknown): void {
  try {
    thaw(cgroup)
  } catch (failure) {
    if (isTsrunError(error)) error.suppressed.push(failure as Error)
  }
}

/** Lets them go on. @throws StatusError unless it is paused, SyscallError */
export async function resumeContainer(context: RuntimeContext, id: ContainerId): Promise<void> {
  await changeStatus(context, id, 'resume', (cgroup) => {
    const above = thaw(cgroup)
    if (above !== undefined)
      context.onWarning(`container ${id} does not go on yet: the cgroup ${above} above it is frozen`)
    return Promise.resolve(true)
  })
}

async function changeStatus(
  { store, waiter }: RuntimeContext,
  id: ContainerId,
  operation: 'pause' | 'resume',
  change: (cgroup: CgroupPlan) => Promise<boolean>,
): Promise<void> {
  const lock = await store.lockWith(id, waiter.locked)
  try {
    const record = store.load(id)
    const status = observeStatus(store, id, record)
    assertStatus(id, operation, status)
    if (await change(record.cgroup)) return
    thaw(record.cgroup)
    const message = `cannot ${operation} container ${id}: its processes have not stopped within ${freezeLimit / 1000} s`
    throw new StatusError(message, { id, operation, status })
  } finally {
    lock.release()
  }
}
