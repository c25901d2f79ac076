/** Stage 4, launch: create and start in one go, and the container in the foreground. */
import { sigkill } from '../config/vocabulary/signals.js'
import {
  catchSignals,
  closeFile,
  copyTerminalSize,
  reapProcess,
  runForeground,
  setSubreaper,
  signalProcess,
} from '../native/binding.js'
import type { ContainerId } from '../state/store.js'
import { createContainer, type Created, type Surroundings } from './create.js'
import { destroyContainer, lockIfAny } from './delete.js'
import { forwardUntilReady, openNotify } from './notify.js'
import type { CreateOptions } from './prepare.js'
import { afterStart, goAhead } from './start.js'

interface RunFlags {
  readonly detach?: boolean
  readonly keep?: boolean
  readonly noSubreaper?: boolean
}

/** A container that could not be started is of no use to anybody. */
async function start(around: Surroundings, id: ContainerId, created: Created): Promise<void> {
  try {
    await goAhead(created.sync, around.waiter, created.record)
    await afterStart(created.record)
  } catch (error) {
    signalProcess(created.pidfd, sigkill)
    await around.waiter.readable(created.pidfd)
    reapProcess(created.pidfd)
    await removeAtEnd(around, id)
    throw error
  } finally {
    closeFile(created.sync)
  }
}

/** Somebody else's `delete` may be there first; an `update` may have put it into more cgroups. */
async function removeAtEnd(around: Surroundings, id: ContainerId): Promise<void> {
  const lock = await lockIfAny(around.store, id, around.waiter)
  if (lock === undefined) return
  try {
    await destroyContainer(around, id, around.store.load(id))
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
  around: Surroundings,
  id: ContainerId,
  options: CreateOptions & RunFlags,
): Promise<number> {
  const foreground = options.detach !== true
  if (foreground) {
    catchSignals()
    if (!options.noSubreaper) setSubreaper()
  }
  const created = await createContainer(around, id, options, { foreground, startSocket: false })
  if (created.ptmx >= 0) copyTerminalSize(created.ptmx)
  const notify = openNotify(around.store, id, options.notifySocket)
  const { record, pidfd, ptmx } = created
  await start(around, id, created)
  if (!foreground) {
    if (notify) await forwardUntilReady(notify, record, around.waiter)
    return 0
  }
  const status = runForeground(record.pid, pidfd, ptmx, notify)
  if (!options.keep) await removeAtEnd(around, id)
  return 'signal' in status ? 128 + status.signal : status.code
}
