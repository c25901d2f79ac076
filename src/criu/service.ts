/** CRIU: one request to a `criu swrk`, with its notifications, until its answer. */
import { sigkill } from '../config/vocabulary/signals.js'
import { CriuError, messageChain, UnsupportedError } from '../errors.js'
import {
  closeFile,
  fileInfo,
  openFile,
  openFlag,
  peekDescriptor,
  readTail,
  reapProcess,
  receiveBytes,
  sendBytes,
  signalProcess,
  spawnService,
} from '../native/binding.js'
import { findProgram } from '../native/helper-process.js'
import { withDeadline, type Deadline, type Waiter } from '../native/wait.js'
import * as messages from './messages.js'
import { decode, encode, type Message } from './wire.js'

/** Something that CRIU tells while it works, and waits for the answer to. */
export interface Notice {
  /** Name of the place, for example `setup-namespaces`. */
  readonly script: string
  /** Of the restored init process, in the runtime's pid namespace, where there is one. */
  readonly pid: number
  /** A descriptor that came with it, which belongs to the receiver; -1: none. */
  readonly fd: number
}

/** A request. */
export interface CriuCall {
  readonly type: keyof typeof messages.requestType
  readonly opts?: Message
  readonly features?: Message
  /** Descriptors that criu gets from 0 on. */
  readonly descriptors: readonly number[]
  /** See spawnRequest. */
  readonly binds?: readonly (readonly [string, string])[]
  /** Name of the session keyring of what is restored, which CRIU does not restore. */
  readonly keyring?: string | undefined
  /** Path of CRIU's log, for the error. */
  readonly logFile: string
  readonly waiter: Waiter
  /** Milliseconds for the answer and for each notification. */
  readonly limit: number
  /** What CRIU itself may wait for, for the error. */
  readonly waitsFor?: string
  /** Called with criu's pidfd before the request is sent. */
  readonly onStart?: (pidfd: number) => void
  /** What throws here fails the request. */
  readonly onNotice?: (notice: Notice) => Promise<void>
}

const largestMessage = 64 * 1024
/** How long criu may take to end after its answer, in milliseconds. */
const endLimit = 10_000

/** Where criu is. @throws UnsupportedError where it is not installed */
export function findCriu(): string {
  const path = findProgram('criu', process.env.PATH)
  if (path !== undefined) return path
  throw new UnsupportedError('criu', 'checkpoint and restore need CRIU, and there is no program "criu" in the PATH')
}

/**
 * Has CRIU do something.
 * @returns its answer, which says success
 * @throws UnsupportedError without criu, CriuError, SyscallError, what `onNotice` throws
 */
export async function callCriu(call: CriuCall): Promise<Message> {
  const { descriptors, waiter } = call
  const path = findCriu()
  const { pidfd, socket } = spawnService({
    ...{ path, args: [path, 'swrk', String(descriptors.length)], env: undefined, cwd: '/' },
    ...{
      descriptors: [...descriptors],
      binds: (call.binds ?? []).map(([from, to]) => [from, to]),
      keyring: call.keyring,
      endsWithCaller: false,
    },
  })
  try {
    call.onStart?.(pidfd)
    const { type, opts, features } = call
    sendBytes(
      socket,
      encode(messages.request, { type: messages.requestType[type], opts, features, notifySuccess: undefined }),
    )
    return await answer(socket, pidfd, call)
  } finally {
    closeFile(socket)
    await end(pidfd, waiter)
  }
}

async function answer(socket: number, pidfd: number, call: CriuCall): Promise<Message> {
  for (;;) {
    const came = await withDeadline(call.limit, (by: Deadline) => by.readable(socket, call.waiter))
    if (!came) {
      signalProcess(pidfd, sigkill)
      const other = call.waitsFor === undefined ? '' : ` (it may wait for ${call.waitsFor})`
      throw failure(call, `has not answered within ${call.limit / 1000} s${other} and was killed`)
    }
    const fd = peekDescriptor(socket)
    const bytes = receiveBytes(socket, largestMessage)
    if (bytes === undefined || bytes.length === 0) throw failure(call, 'ended without an answer')
    const message = decode(messages.response, bytes)
    if (message.type === messages.requestType.notify) await serve(socket, message.notify as Message, fd, call)
    else if (message.success === 1) return message
    else throw failure(call, describe(message))
  }
}

/** CRIU undoes what it has done when it is told that a notification has failed. */
async function serve(socket: number, { script, pid }: Message, fd: number, call: CriuCall): Promise<void> {
  const reply = (notifySuccess: boolean): void => {
    sendBytes(socket, encode(messages.request, { type: messages.requestType.notify, notifySuccess }))
  }
  try {
    await call.onNotice?.({ script: typeof script === 'string' ? script : '', pid: Number(pid ?? 0), fd })
  } catch (error) {
    reply(false)
    throw error
  }
  reply(true)
}

const describe = ({ errno }: Message): string => `failed${errno === undefined ? '' : ` (errno ${Number(errno)})`}`

function failure({ type, logFile }: CriuCall, words: string): CriuError {
  const lines = decisiveLines(logFile)
  const why = lines.length === 0 ? '' : `: ${lines.join('; ')}`
  return new CriuError(`criu ${type} ${words}${why} (log file: ${logFile})`.replaceAll('\n', ' '), logFile)
}

/** The first errors in the end of CRIU's log, without time and source: what follows them are consequences. */
function decisiveLines(logFile: string): string[] {
  // It may have failed before it had one.
  if (fileInfo(logFile) === undefined) return []
  try {
    const fd = openFile(logFile, openFlag.read)
    try {
      const errors = readTail(fd, 64 * 1024).matchAll(/^\([\d.]+\)[^\n]*? Error \([^)]*\): (?!rlimit: )([^\n]*)/gm)
      return [...errors].slice(0, 4).map(([, text = '']) => text.trim())
    } finally {
      closeFile(fd)
    }
  } catch (error) {
    return [`its log cannot be read: ${messageChain(error)}`]
  }
}

async function end(pidfd: number, waiter: Waiter): Promise<void> {
  try {
    if (!(await withDeadline(endLimit, (by) => by.readable(pidfd, waiter)))) {
      signalProcess(pidfd, sigkill)
      await withDeadline(endLimit, (by) => by.readable(pidfd, waiter))
    }
    reapProcess(pidfd)
  } finally {
    closeFile(pidfd)
  }
}
