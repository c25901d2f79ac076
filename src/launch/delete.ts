/** Stage 4, launch: removes a container. */
import { sigkill } from '../config/vocabulary/signals.js'
import { messageChain, NotFoundError, StoreError } from '../errors.js'
import { ociState } from '../plan/oci-state.js'
import type { CgroupPlan } from '../plan/types.js'
import { observeStatus } from '../state/observe.js'
import type { StateRecord } from '../state/record.js'
import { assertStatus } from '../state/status.js'
import type { ContainerId, Lock, Store } from '../state/store.js'
import { cgroupDriver } from '../cgroup/driver.js'
import type { RuntimeContext } from './context.js'
import { endProcess } from './end.js'
import { Cgroup } from '../cgroup/cgroup.js'
import { removeRdt } from './intel-rdt.js'
import { openInit } from './kill.js'
import { destroyLost } from './lost.js'
import { runHooks } from './hooks.js'
import type { Waiter } from '../native/wait.js'

async function endInit(record: StateRecord, waiter: Waiter): Promise<void> {
  const pidfd = openInit(record)
  if (pidfd >= 0) await endProcess(waiter, pidfd, record)
}

/** Runs the poststop hooks. They cannot fail a delete: their errors become warnings (runtime.md, step 13). */
export async function afterStop(
  record: StateRecord,
  { waiter, onWarning }: Pick<RuntimeContext, 'waiter' | 'onWarning'>,
): Promise<void> {
  if (record.poststop === undefined) return
  const state = ociState(record, 'stopped')
  await runHooks('poststop', record.poststop, state, waiter, (error) => onWarning(messageChain(error)))
}

/** Takes down what is left of a container whose record is known. The caller holds the lock. */
export async function destroyContainer(context: RuntimeContext, id: ContainerId, record: StateRecord): Promise<void> {
  const { store, waiter } = context
  await endInit(record, waiter)
  if (!othersUse(store, id, record.cgroup))
    await (await cgroupDriver(record.cgroupManager, waiter)).remove(record.cgroup)
  removeRdt(record.intelRdt)
  await afterStop(record, context)
  store.remove(id)
}

/** True when the processes in its cgroup are those of another container, which has been made there since it ended. */
function othersUse(store: Store, id: ContainerId, cgroup: CgroupPlan): boolean {
  const own = new Cgroup(cgroup)
  const isThere = (other: ContainerId): boolean => {
    const record = findRecord(store, other)
    return (
      record !== undefined &&
      !(record instanceof StoreError) &&
      record.pid !== 0 &&
      new Cgroup(record.cgroup).directories[0] === own.directories[0]
    )
  }
  return own.processes().length > 0 && store.list().some((other) => other !== id && isThere(other))
}

/** The record of a container, or why there is none. A create that was killed before it had one leaves only its directory. */
function findRecord(store: Store, id: ContainerId): StateRecord | StoreError | undefined {
  try {
    return store.load(id)
  } catch (error) {
    if (error instanceof StoreError) return error
    if (!(error instanceof NotFoundError)) throw error
    const path = store.directory(id)
    return store.hasConfig(id) ? new StoreError(`there is no state record in ${JSON.stringify(path)}`, path) : undefined
  }
}

/** The lock of a container; undefined when it was removed before. */
export async function lockIfAny(store: Store, id: ContainerId, waiter: Waiter): Promise<Lock | undefined> {
  try {
    return await store.lockWith(id, waiter.locked)
  } catch (error) {
    if (error instanceof NotFoundError) return undefined
    throw error
  }
}

/** What a killed `create` has left is like a created container: nobody will ever go on with it. */
function assertDeletable(store: Store, id: ContainerId, record: StateRecord): void {
  const status = observeStatus(store, id, record)
  if (status === 'creating') {
    const lock = store.lock(id, { wait: false })
    lock?.release()
    if (lock !== undefined) return
  }
  assertStatus(id, 'delete', status)
}

/**
 * Removes a container: a stopped or a created one, with `force` also a running one, a half-made one,
 * and one that doesn't exist.
 * @throws NotFoundError, StatusError, StoreError, SyscallError
 */
export async function deleteContainer(
  context: RuntimeContext,
  id: ContainerId,
  options: { force: boolean },
): Promise<void> {
  const { store, waiter } = context
  if (!store.has(id)) {
    if (options.force) return
    throw new NotFoundError(id)
  }
  const found = findRecord(store, id)
  if (found instanceof StoreError && !options.force) throw found
  const record = found instanceof StoreError ? undefined : found
  if (record !== undefined && !options.force) assertDeletable(store, id, record)
  // A create in progress holds the lock; it gives up when its init is gone.
  if (record !== undefined && options.force) await endInit(record, waiter)
  // One that was killed before it could note its init: that holds the lock as long as it is frozen.
  if (record?.pid === 0 && options.force && !othersUse(store, id, record.cgroup)) {
    await new Cgroup(record.cgroup).signal(sigkill, waiter)
  }
  const lock = await lockIfAny(store, id, waiter)
  if (lock === undefined) {
    // Somebody else has finished what was asked for.
    if (options.force || record !== undefined) return
    throw new NotFoundError(id)
  }
  try {
    const current = findRecord(store, id)
    if (current instanceof StoreError) {
      if (!options.force) throw current
      await destroyLost(context, id, current, (cgroup) => othersUse(store, id, cgroup))
    } else if (current !== undefined) await destroyContainer(context, id, current)
    else if (options.force || record !== undefined) store.remove(id)
    else throw new NotFoundError(id)
  } finally {
    lock.release()
  }
}
