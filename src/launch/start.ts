/** Stage 4, launch: starts a created container and runs what comes after its start. */
import { sigkill } from '../config/vocabulary/signals.js'
import { messageChain, StatusError } from '../errors.js'
import {
  closeFile,
  connectSocket,
  hasErrno,
  openProcess,
  removeFile,
  sendGo,
  signalProcess,
} from '../native/binding.js'
import { ociState } from '../plan/oci-state.js'
import { liveProcess, observeStatus } from '../state/observe.js'
import type { StateRecord } from '../state/record.js'
import { assertStatus } from '../state/status.js'
import type { ContainerId, Lock, Store } from '../state/store.js'
import type { RuntimeContext } from './context.js'
import { runHooks } from './hooks.js'
import { assertExecuted } from './small-memory.js'
import { forwardUntilReady, openNotify } from './notify.js'
import { serveInit } from './protocol.js'
import type { Waiter } from '../native/wait.js'

/**
 * Says go to the init process `pid` at the other end of `sync` and waits until it has executed its
 * program (the socket closes by itself then).
 * @throws SyscallError or HookError when a startContainer hook or execve fails, ProtocolError when the
 * OOM killer was faster: the process has ended then
 */
export async function startProgram(sync: number, waiter: Waiter, record: StateRecord, pid = record.pid): Promise<void> {
  sendGo(sync)
  await serveInit(sync, {}, waiter, undefined)
  assertExecuted(record, pid)
}

/** Runs the poststart hooks; a failing one stops the container (runtime.md "Lifecycle", step 9). */
export async function afterStart(record: StateRecord, waiter: Waiter): Promise<void> {
  if (record.poststart === undefined) return
  try {
    await runHooks('poststart', record.poststart, ociState(record, 'running'), waiter)
  } catch (error) {
    const pidfd = openProcess(record.pid)
    if (pidfd >= 0) {
      signalProcess(pidfd, sigkill)
      closeFile(pidfd)
    }
    throw error
  }
}

function connectStart(store: Store, id: ContainerId): number {
  try {
    return connectSocket(store.startSocket(id), { packets: true })
  } catch (error) {
    // Refused: init has gone, or another `start` was faster.
    if (!hasErrno(error, 'ECONNREFUSED') && !hasErrno(error, 'ENOENT')) throw error
    const message = 'cannot start a container that has stopped'
    throw new StatusError(message, { id, operation: 'start', status: 'stopped' })
  }
}

/** What `start` takes. */
export interface StartOptions {
  /** Datagram socket of a manager (sd_notify(3)), for a container that was created with one. */
  readonly notifySocket?: string
}

/**
 * Starts a container that `create` has left waiting.
 * @throws StatusError unless it is created, SyscallError, HookError
 */
export async function startContainer(
  store: Store,
  id: ContainerId,
  waiter: Waiter,
  options: StartOptions = {},
): Promise<void> {
  const relay = openNotify(store, id, options.notifySocket)
  try {
    const record = await startLocked(store, id, waiter)
    if (relay) await forwardUntilReady(relay, record, waiter)
  } finally {
    if (relay) closeFile(relay.fd)
  }
}

/** Somebody else is at it: a create, whose hooks may themselves call `start`, is not waited for. */
function waitForTurn(store: Store, id: ContainerId, waiter: Waiter): Promise<Lock> {
  assertStatus(id, 'start', observeStatus(store, id, store.load(id)))
  return store.lockWith(id, waiter.locked)
}

/** Init that has reported a failure is about to end: only then is the container stopped for everybody. */
async function initEnded(record: StateRecord, waiter: Waiter): Promise<void> {
  const pidfd = openProcess(record.pid)
  if (pidfd < 0) return
  try {
    if (liveProcess(record) !== undefined) await waiter.readable(pidfd)
  } finally {
    closeFile(pidfd)
  }
}

async function startLocked(store: Store, id: ContainerId, waiter: Waiter): Promise<StateRecord> {
  const lock = store.lock(id, { wait: false }) ?? (await waitForTurn(store, id, waiter))
  try {
    const record = store.load(id)
    assertStatus(id, 'start', observeStatus(store, id, record))
    const sync = connectStart(store, id)
    try {
      await startProgram(sync, waiter, record)
    } catch (error) {
      await initEnded(record, waiter)
      throw error
    } finally {
      closeFile(sync)
      removeFile(store.startSocket(id))
    }
    await afterStart(record, waiter)
    return record
  } finally {
    lock.release()
  }
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
