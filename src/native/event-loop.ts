/**
 * Native: what programs with an event loop have beyond the command line: waiting, launching and locking that blocks
 * nobody, and the bytes of pipes and terminals. The static executable has none of it.
 */
import { nativeLibrary } from './addon.js'
import { closeFile } from './files.js'
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
