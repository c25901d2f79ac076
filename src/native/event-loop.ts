/**
 * Native: what programs with an event loop have beyond the command line: waiting, launching and locking that blocks
 * nobody, and the bytes of pipes and terminals. The static executable has none of it.
 */
import { nativeLibrary } from './addon.js'
import { closeFile } from './files.js'
import type { RecordOf } from './addon-types.js'
import type { Launched, LaunchRequest } from './init.js'

/** What a descriptor can be waited for: the events of epoll(7). */
export const readiness = { read: 1, priority: 2, write: 4 } as const

/**
 * Calls back once, when a descriptor is ready or broken; does not keep the event loop alive. A file is always ready.
 * @returns forgets the wait
 * @throws SyscallError
 */
export function whenReady(fd: number, what: keyof typeof readiness, callback: () => void): () => void {
  const number = nativeLibrary().watch(fd, readiness[what], false, callback)
  return () => nativeLibrary().unwatch(number)
}

/**
 * Calls back once, when a process has ended; does not keep the event loop alive. One that is a child of this program is
 * reaped in any case, also when the thread that waits is terminated.
 * @returns forgets the wait
 * @throws SyscallError
 */
export function whenEnded(pidfd: number, callback: () => void, { child }: { readonly child: boolean }): () => void {
  const number = nativeLibrary().watch(pidfd, readiness.read, child, callback)
  return () => nativeLibrary().unwatch(number)
}

/** Keeps the event loop alive until the returned function is called, which may be done more than once. */
export function holdLoop(): () => void {
  nativeLibrary().holdLoop(1)
  let held = true
  return () => {
    if (held) nativeLibrary().holdLoop(-1)
    held = false
  }
}

/** Resolves when a descriptor is readable; keeps the event loop alive until then. @throws SyscallError */
export async function readable(fd: number): Promise<void> {
  const release = holdLoop()
  try {
    await new Promise<void>((resolve) => whenReady(fd, 'read', resolve))
  } finally {
    release()
  }
}

/** True when mounts have changed since this thread has asked last, and the first time. */
export const mountsChanged = (): boolean => nativeLibrary().mountsChanged()

/** `launch` in a thread: the clone waits until init has been executed. @throws SyscallError */
export async function launchInBackground(request: LaunchRequest): Promise<Launched> {
  const { notice, job } = nativeLibrary().launchInBackground(request)
  try {
    await readable(notice)
  } finally {
    closeFile(notice)
  }
  return nativeLibrary().finishLaunch(job)
}

/** flock(2) in a thread; resolves when the lock is taken. @throws SyscallError */
export async function lockInBackground(fd: number): Promise<void> {
  const notice = nativeLibrary().lockInBackground(fd)
  try {
    await readable(notice)
  } finally {
    closeFile(notice)
  }
}

/** A pipe(2); both ends are close-on-exec and block. @throws SyscallError */
export const openPipe = (): { readonly read: number; readonly write: number } => nativeLibrary().openPipe()

/** Another descriptor for the same file, which belongs to this thread: another one may close its own. @throws SyscallError */
export const copyDescriptor = (fd: number): number => nativeLibrary().copyDescriptor(fd)

/** Sets O_NONBLOCK. @throws SyscallError */
export const setNonBlocking = (fd: number): void => nativeLibrary().setNonBlocking(fd)

/** At most 64 KiB of what is there: undefined when nothing is yet, no bytes at the end. @throws SyscallError */
export const readBytes = (fd: number): Uint8Array | undefined => nativeLibrary().readBytes(fd)

/** How many of some bytes, from an offset on, have been taken; 0 when there is no room. @throws SyscallError */
export const writeBytes = (fd: number, bytes: Uint8Array, offset: number): number =>
  nativeLibrary().writeBytes(fd, bytes, offset)

/** Gives a terminal a size in characters; its foreground process gets SIGWINCH. @throws SyscallError */
export const setTerminalSize = (ptmx: number, columns: number, rows: number): void =>
  nativeLibrary().setTerminalSize(ptmx, columns, rows)

/** A system call that waits for an answer. */
export type Notification = RecordOf<'notification'>

/** The next call that waits; undefined when it has gone meanwhile. @throws SyscallError: ENOTCONN when none can come */
export const receiveNotification = (listener: number): Notification | undefined =>
  nativeLibrary().receiveNotification(listener)

/** Memory of the process whose call waits, at most 1 MiB. @throws SyscallError: EFAULT, ENOENT when it waits no more */
export function readNotified(
  listener: number,
  { id, pid }: Caller,
  address: bigint | number,
  size: number,
): Uint8Array {
  return nativeLibrary().readNotified(listener, id, pid, address, size)
}

/** Who has called, and the number of the call. */
export type Caller = Pick<Notification, 'id' | 'pid'>

/** What is given for a call: nothing else than one of these. */
export interface GivenAnswer {
  readonly value?: number
  readonly errno?: number
  readonly pass?: boolean
}

/** Answers a call; false when it waits no more. @throws SyscallError */
export function answerNotification(listener: number, id: bigint, given: GivenAnswer): boolean {
  const { value = 0, errno = 0, pass = false } = given
  return nativeLibrary().answerNotification(listener, id, value, errno, pass)
}

/**
 * Gives the process whose call waits a copy of a descriptor; `at` -1: any number; `answer`: its number is the result.
 * @returns the number, -1 when the call waits no more @throws SyscallError
 */
export function giveDescriptor(
  listener: number,
  id: bigint,
  fd: number,
  { at = -1, closeOnExec, answer }: { readonly at?: number; readonly closeOnExec: boolean; readonly answer: boolean },
): number {
  return nativeLibrary().giveDescriptor(listener, id, fd, at, closeOnExec, answer)
}

/**
 * connect(2) of a descriptor of the process whose call waits to an address of the internet, in a thread: an eventfd that
 * becomes readable when it is done, with 1 + errno. @throws SyscallError: EAFNOSUPPORT, EBADF, ENOENT
 */
export const connectNotified = (listener: number, { id, pid }: Caller, fd: number, address: Uint8Array): number =>
  nativeLibrary().connectNotified(listener, id, pid, fd, address)

/** A file of pressure stall information with a trigger (psi.rst), which tells by POLLPRI. @throws SyscallError */
export const openPressure = (path: string, trigger: string): number => nativeLibrary().openPressure(path, trigger)
