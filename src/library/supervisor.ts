/** Library: decides system calls of a container in JavaScript (seccomp_unotify(2)). */
import { messageChain, UsageError } from '../errors.js'
import { closeFile, errnoName, hasErrno } from '../native/binding.js'
import {
  answerNotification,
  connectNotified,
  giveDescriptor,
  readable,
  readBytes,
  readNotified,
  receiveNotification,
  whenReady,
  type Caller,
  type Notification,
} from '../native/event-loop.js'

/**
 * What becomes of a call: `continue` lets the kernel do it, which looks at its memory again (see SyscallHandler); else it
 * fails with an errno (name or number, 1 to 4095), gives a value, or a copy of a descriptor of this program.
 */
export type SyscallAnswer =
  | 'continue'
  | { readonly errno: string | number }
  | { readonly value: number }
  | { readonly fd: number; readonly closeOnExec?: boolean }

/**
 * Decides a call that waits. When it throws or gives no answer the call fails with EPERM.
 *
 * `continue` is no permission: between the decision and the call other threads can change what arguments point to, and
 * which file a descriptor is. A rule may only be built on arguments that are plain numbers, or on doing the work in the
 * caller's place (`connect`, `fd`, `value`).
 */
export type SyscallHandler = (call: SyscallCall) => SyscallAnswer | Promise<SyscallAnswer>

/** A handler for each call, by the names of syscalls(2). */
export type SyscallHandlers = Readonly<Record<string, SyscallHandler>>

const highestErrno = 133
const numbers = new Map<string, number>()

/** The number of an errno. @throws UsageError */
function errnoNumber(errno: string | number): number {
  if (numbers.size === 0) for (let number = highestErrno; number > 0; number--) numbers.set(errnoName(number), number)
  const number = typeof errno === 'number' ? errno : numbers.get(errno)
  if (number !== undefined && Number.isInteger(number) && number > 0 && number < 4096) return number
  throw new UsageError(`unknown errno ${JSON.stringify(errno)}`)
}

/** A call of a process that waits until it is answered. */
export class SyscallCall {
  /** As in syscalls(2), for the architecture of the process. */
  readonly name: string
  /** Of the thread, in the pid namespace of this program; 0 where it is not in it. */
  readonly pid: number
  /** Six, whatever the call takes of them. */
  readonly args: readonly bigint[]
  readonly #listener: number
  readonly #caller: Caller

  /** Made by Supervisor. */
  constructor(listener: number, { id, pid, name, ...args }: Notification) {
    this.name = name
    this.pid = pid
    this.args = [args.arg0, args.arg1, args.arg2, args.arg3, args.arg4, args.arg5]
    this.#listener = listener
    this.#caller = { id, pid }
  }

  /**
   * Reads memory of the process, at most 1 MiB; less where it ends before. It is surely that of the process whose call
   * waits, but may change at any time. @throws SyscallError: EFAULT where there is none, ENOENT when the call waits no more
   */
  read(address: bigint | number, size: number): Uint8Array {
    return readNotified(this.#listener, this.#caller, address, size)
  }

  /** Reads a text that ends with NUL, at most `limit` bytes. @throws SyscallError as `read`, UsageError when it is longer */
  readText(address: bigint, limit = 4096): string {
    const parts: Uint8Array[] = []
    for (let done = 0; done < limit;) {
      // Not over the end of a page: the next one may be none.
      const size = Math.min(4096 - Number((address + BigInt(done)) & 4095n), limit - done)
      const bytes = this.read(address + BigInt(done), size)
      const end = bytes.indexOf(0)
      parts.push(end < 0 ? bytes : bytes.subarray(0, end))
      if (end >= 0) return new TextDecoder().decode(Buffer.concat(parts))
      if (bytes.length === 0) break
      done += bytes.length
    }
    throw new UsageError(`there is no text of at most ${limit} bytes`)
  }

  /**
   * connect(2) of a socket of the process to an address (struct sockaddr) of the internet that this program has read and
   * judged: nobody can change it any more. @returns the answer @throws SyscallError: EAFNOSUPPORT for another family,
   * EBADF when there is no such descriptor, ENOENT when the call waits no more
   */
  async connect(fd: bigint | number, address: Uint8Array): Promise<SyscallAnswer> {
    const notice = connectNotified(this.#listener, this.#caller, Number(fd), address)
    try {
      await readable(notice)
      const result = readBytes(notice)
      const errno = result === undefined ? 0 : Number(new DataView(result.buffer).getBigUint64(0, true)) - 1
      return errno > 0 ? { errno } : { value: 0 }
    } finally {
      closeFile(notice)
    }
  }

  /**
   * Gives the process a copy of a descriptor, without answering; `at`: the number it is to have.
   * @returns its number there @throws SyscallError
   */
  addDescriptor(fd: number, options: { readonly at?: number; readonly closeOnExec?: boolean } = {}): number {
    const { at = -1, closeOnExec = false } = options
    return giveDescriptor(this.#listener, this.#caller.id, fd, { at, closeOnExec, answer: false })
  }

  /** Lets it go on; nothing happens when it waits no more. @throws UsageError, SyscallError */
  answer(given: SyscallAnswer): void {
    const { id } = this.#caller
    if (given === 'continue') answerNotification(this.#listener, id, { pass: true })
    else if ('errno' in given) answerNotification(this.#listener, id, { errno: errnoNumber(given.errno) })
    else if ('fd' in given) {
      giveDescriptor(this.#listener, id, given.fd, { closeOnExec: given.closeOnExec ?? false, answer: true })
    } else if (Number.isSafeInteger(given.value)) answerNotification(this.#listener, id, { value: given.value })
    else throw new UsageError('not an answer for a system call')
  }
}

/** A descriptor on which calls are heard of, and how many of them are not decided yet. */
interface Listener {
  readonly fd: number
  open: number
  over: boolean
}

/** Answers for the processes of one container, as long as this thread runs; then their calls fail with ENOSYS. */
export class Supervisor {
  readonly #handlers: SyscallHandlers
  readonly #onWarning: (message: string) => void

  constructor(handlers: SyscallHandlers, onWarning: (message: string) => void) {
    this.#handlers = handlers
    this.#onWarning = onWarning
  }

  /** Takes a listener over: one comes with the container, and one with each `exec`. */
  adopt(fd: number): void {
    this.#listen({ fd, open: 0, over: false })
  }

  #listen(listener: Listener): void {
    whenReady(listener.fd, 'read', () => {
      try {
        const notification = receiveNotification(listener.fd)
        if (notification !== undefined) void this.#decide(listener, new SyscallCall(listener.fd, notification))
        this.#listen(listener)
      } catch (error) {
        // All that had the filter have ended.
        if (!hasErrno(error, 'ENOTCONN'))
          this.#onWarning(`system calls are not decided any more: ${messageChain(error)}`)
        listener.over = true
        closeUnused(listener)
      }
    })
  }

  async #decide(listener: Listener, call: SyscallCall): Promise<void> {
    listener.open++
    try {
      const handler = Object.hasOwn(this.#handlers, call.name) ? this.#handlers[call.name] : undefined
      if (handler === undefined) throw new UsageError('there is no handler')
      call.answer(await handler(call))
    } catch (error) {
      // It may be over for who has asked; else it must not wait for ever.
      if (!hasErrno(error, 'ENOENT')) this.#refuse(call, error)
    } finally {
      listener.open--
      closeUnused(listener)
    }
  }

  #refuse(call: SyscallCall, reason: unknown): void {
    this.#onWarning(`${call.name || 'a system call'} of process ${call.pid} is refused: ${messageChain(reason)}`)
    try {
      call.answer({ errno: 'EPERM' })
    } catch (error) {
      this.#onWarning(messageChain(error))
    }
  }
}

function closeUnused({ fd, open, over }: Listener): void {
  if (over && open === 0) closeFile(fd)
}

/** Of the containers of this thread that have not ended, by state directory. */
const supervisors = new Map<string, Supervisor>()

/** Who answers for the processes that `exec` adds. */
export const supervisorOf = (directory: string): Supervisor | undefined => supervisors.get(directory)

/** Keeps a supervisor until its container has ended. */
export function supervise(directory: string, supervisor: Supervisor, ended: Promise<unknown>): void {
  supervisors.set(directory, supervisor)
  void ended.then(() => supervisors.get(directory) === supervisor && supervisors.delete(directory))
}
