/** Native: waiting, and descriptors to wait for. */
import { native } from './addon.js'

/** Blocks until a descriptor is readable; false after `timeout` milliseconds (-1: never). */
export const waitReadable = (fd: number, timeout = -1): boolean => native().waitReadable(fd, timeout)

/** A descriptor that becomes readable when the file is modified (inotify(7)). @throws SyscallError */
export const notifyFile = (path: string): number => native().notifyFile(path)

/** A descriptor that becomes readable after some milliseconds, once or again and again. @throws SyscallError */
export const openTimer = (milliseconds: number, options: { repeat: boolean }): number =>
  native().openTimer(milliseconds, options.repeat)

/** A descriptor (epoll(7)) that is readable when one of several is. @throws SyscallError */
export const gather = (fds: readonly number[]): number => native().gather(fds)

/**
 * A descriptor that becomes readable when a memory cgroup of cgroup v1 is out of memory (`memory.oom_control`), when it is
 * short of it by a level (`memory.pressure_level`), or is removed.
 * @throws SyscallError
 */
export const notifyMemory = (directory: string, file: string, level: string): number =>
  native().notifyMemory(directory, file, level)
