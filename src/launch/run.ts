/** Stage 4, launch: create and start in one go, and the container in the foreground. */
import { catchSignals, closeFile, adoptTerminal, runForeground, setSubreaper } from '../native/binding.js'
import type { ContainerId } from '../state/store.js'
import type { RuntimeContext } from './context.js'
import { createContainer, type Created } from './create.js'
import { destroyContainer, lockIfAny } from './delete.js'
import { endProcess, inForeground } from './end.js'
import { hintAtEnd, hintAtProgram, recordedSubject } from './hint.js'
import { forwardUntilReady, openNotify } from './notify.js'
import type { CreateOptions } from './prepare.js'
import { afterStart, startProgram } from './start.js'

interface RunFlags {
  readonly detach?: boolean
  readonly keep?: boolean
  readonly noSubreaper?: boolean
}

/** A container that could not be started is of no use to anybody. */
async function start(context: RuntimeContext, id: ContainerId, created: Created): Promise<void> {
  try {
    await startProgram(created.sync, context.waiter, created.record)
    await afterStart(created.record, context.waiter)
  } catch (error) {
    await hintAtProgram(error, () => recordedSubject(context, id, created.record))
    await endProcess(context.waiter, created.pidfd, created.record)
    await removeAtEnd(context, id)
    throw error
  } finally {
    closeFile(created.sync)
  }
}

/** Removes a container that has ended in the foreground. Somebody else's `delete` may be there first; an `update` may have put it into more cgroups. */
export async function removeAtEnd(context: RuntimeContext, id: ContainerId): Promise<void> {
  const lock = await lockIfAny(context.store, id, context.waiter)
  if (lock === undefined) return
  try {
    await destroyContainer(context, id, context.store.load(id))
  } finally {
    lock.release()
  }
}

/**
 * Runs a container. In the foreground until its end, and then removes it unless `keep` is set.
 * @returns exit status for a shell: the program's, or 128 + signal; 0 when detached
 * @throws what creating and starting throw; then nothing is left
 */
export async function runContainer(
  context: RuntimeContext,
  id: ContainerId,
  options: CreateOptions & RunFlags,
): Promise<number> {
  const foreground = options.detach !== true
  if (foreground) {
    catchSignals()
    if (!options.noSubreaper) setSubreaper()
  }
  const created = await createContainer(context, id, options, { foreground, startSocket: false })
  if (created.ptmx >= 0) adoptTerminal(created.ptmx)
  const notify = openNotify(context.store, id, options.notifySocket)
  const { record, pidfd, ptmx } = created
  await start(context, id, created)
  if (!foreground) {
    if (notify) await forwardUntilReady(notify, record, context.waiter)
    return 0
  }
  try {
    const status = await inForeground(context, record, pidfd, () => runForeground(record.pid, pidfd, ptmx, notify))
    if ('signal' in status) return 128 + status.signal
    await hintAtEnd(context, status.code, () => recordedSubject(context, id, record))
    return status.code
  } finally {
    if (!options.keep) await removeAtEnd(context, id)
  }
}
