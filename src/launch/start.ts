/** Stage 4, launch: starts a created container and runs what comes after its start. */
import { messageChain, ProtocolError, StatusError, SyscallError } from '../errors.js'
import { closeFile, connectSocket, hasErrno, openProcess, removeFile, sendGo } from '../native/binding.js'
import { ociState } from '../plan/oci-state.js'
import { endedAsInit, liveProcess, observeStatus } from '../state/observe.js'
import type { StateRecord } from '../state/record.js'
import { assertStatus } from '../state/status.js'
import type { ContainerId, Lock, Store } from '../state/store.js'
import type { RuntimeContext } from './context.js'
import { destroyContainer } from './delete.js'
import { awaitEnd } from './end.js'
import { hintAtProgram, recordedSubject } from './hint.js'
import { runHooks } from './hooks.js'
import { assertExecuted } from './small-memory.js'
import { forwardUntilReady, openNotify } from './notify.js'
import { serveInit } from './protocol.js'
import { Rollback } from './rollback.js'
import type { Waiter } from '../native/wait.js'

const notExecuted =
  'the init process ended without having executed its program, as under a seccomp filter that forbids execve'

/**
 * Says go to the init process `pid` at the other end of `sync` and waits until it has executed its
 * program (the socket closes by itself then).
 * @throws SyscallError or HookError when a startContainer hook or execve fails, ProtocolError when it ended without a
 * word: the process has ended then
 */
export async function startProgram(sync: number, waiter: Waiter, record: StateRecord, pid = record.pid): Promise<void> {
  sendGo(sync)
  await programRuns(sync, waiter, record, pid)
}

async function programRuns(sync: number, waiter: Waiter, record: StateRecord, pid: number): Promise<void> {
  await serveInit(sync, {}, waiter, undefined)
  assertExecuted(record, pid)
  if (endedAsInit(pid)) throw new ProtocolError(notExecuted)
}

/** Runs the poststart hooks. @throws HookError: the container must go then (runtime.md "Lifecycle", step 9) */
export async function afterStart(record: StateRecord, waiter: Waiter): Promise<void> {
  await runHooks('poststart', record.poststart ?? [], ociState(record, 'running'), waiter)
}

function connectStart(store: Store, id: ContainerId): number {
  try {
    return connectSocket(store.startSocket(id), 'packets')
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
  context: RuntimeContext,
  id: ContainerId,
  options: StartOptions = {},
): Promise<void> {
  const relay = openNotify(context.store, id, options.notifySocket)
  try {
    const record = await startLocked(context, id)
    if (relay) await forwardUntilReady(relay, record, context.waiter)
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
    if (liveProcess(record) !== undefined) await awaitEnd(waiter, pidfd)
  } finally {
    closeFile(pidfd)
  }
}

/** What a failing poststart hook leaves is of no use to anybody: the hook's error is told, and what else goes wrong. */
async function afterStartOrEnd(context: RuntimeContext, id: ContainerId, record: StateRecord): Promise<void> {
  const rollback = new Rollback()
  rollback.add(() => destroyContainer(context, id, record))
  try {
    await afterStart(record, context.waiter)
  } catch (error) {
    await rollback.run(error)
    throw error
  }
}

async function startLocked(context: RuntimeContext, id: ContainerId): Promise<StateRecord> {
  const { store, waiter } = context
  const lock = store.lock(id, { wait: false }) ?? (await waitForTurn(store, id, waiter))
  try {
    const record = store.load(id)
    assertStatus(id, 'start', observeStatus(store, id, record))
    const sync = connectStart(store, id)
    try {
      // When this fails init waits for the next connection: the container is still created.
      sendGo(sync)
      await startedOver(sync, context, id, record)
    } finally {
      closeFile(sync)
    }
    await afterStartOrEnd(context, id, record)
    return record
  } finally {
    lock.release()
  }
}

/** Init has been told to go on: whatever comes of it, nobody can start it again. */
async function startedOver(sync: number, context: RuntimeContext, id: ContainerId, record: StateRecord): Promise<void> {
  const { store, waiter, onWarning } = context
  try {
    await programRuns(sync, waiter, record, record.pid)
  } catch (error) {
    await hintAtProgram(error, () => recordedSubject(context, id, record))
    // Not when only the answer could not be read: then the program may well run.
    if (!(error instanceof SyscallError && error.side === 'parent')) await initEnded(record, waiter)
    throw error
  } finally {
    try {
      removeFile(store.startSocket(id))
    } catch (error) {
      // It makes no container look created whose program runs.
      onWarning(`cannot remove the start socket: ${messageChain(error)}`)
    }
  }
}
