/**
 * Native: files of the host, by path or by descriptor. The executable has no `node:fs`, and paths below
 * a rootfs have no business in TypeScript.
 */
import { ConfigError } from '../errors.js'
import { hasErrno, native } from './addon.js'
import type { RecordOf } from './addon-types.js'

/** open(2) flags that callers of `openFile` and `writeFile` combine; the same on all Linux ports. */
export const openFlag = {
  read: 0,
  write: 1,
  readWrite: 2,
  create: 0o100,
  truncate: 0o1000,
  append: 0o2000,
  path: 0o10000000,
} as const

const defaultLimit = 64 * 1024 * 1024

/** The whole text of a file, at most `limit` bytes (EFBIG). @throws SyscallError */
export const readFile = (path: string, limit = defaultLimit): string => native().readFile(path, limit, false)

/**
 * The text of a regular file, or undefined where there is nothing; never waits, follows no link.
 * @throws SyscallError, EINVAL for what is no regular file
 */
export const readRegularFile = (path: string): string | undefined => native().readRegularFile(path, defaultLimit)

/** The same of a JSON text, which must be UTF-8 (RFC 8259, section 8.1). @throws ConfigError when it is not, SyscallError */
export function readJsonText(path: string): string {
  try {
    return native().readFile(path, defaultLimit, true)
  } catch (error) {
    if (!hasErrno(error, 'EILSEQ')) throw error
    throw new ConfigError(`${JSON.stringify(path)} is not UTF-8`, [{ pointer: '', message: 'is not UTF-8' }])
  }
}

/** The text of a file, or undefined where there is none, or nothing any more that it is about. @throws SyscallError */
export const readFileIfAny = (path: string): string | undefined => native().readFileIfAny(path, defaultLimit)

/** Writes to a file opened with `flags` (default: write only, must exist). @throws SyscallError */
export const writeFile = (path: string, text: string, flags: number = openFlag.write, mode = 0o644): void =>
  native().writeFile(path, text, flags, mode)

/** Replaces a file in one step: temporary file `.NAME` beside it, then rename(2). @throws SyscallError */
export const replaceFile = (path: string, text: string, mode: number): void => native().replaceFile(path, text, mode)

/** mkdir(2). @throws SyscallError */
export const makeDirectory = (path: string, mode: number): void => native().makeDirectory(path, mode)

/** Gives a file another name, in one step. @throws SyscallError */
export const renameFile = (from: string, to: string): void => native().renameFile(from, to)

/** unlink(2); a missing file is fine. @throws SyscallError */
export const removeFile = (path: string): void => native().removeFile(path)

/** rmdir(2); a missing directory is fine. @throws SyscallError */
export const removeDirectory = (path: string): void => native().removeDirectory(path)

/** Names in a directory, without `.` and `..`, unsorted. @throws SyscallError */
export const listDirectory = (path: string): string[] => native().listDirectory(path)

/** realpath(3). @throws SyscallError */
export const realPath = (path: string): string => native().realPath(path)

/** Path of the running program, as the kernel has it: true also where a directory on the way is closed to this user. */
export const ownProgram = (): string => readLink('/proc/self/exe')

/** readlink(2). @throws SyscallError */
export const readLink = (path: string): string => native().readLink(path)

/** lstat(2), reduced to what tsrun asks. */
export type FileInfo = RecordOf<'fileInfo'>

/** lstat(2), undefined where there is nothing. @throws SyscallError */
export const fileInfo = (path: string): FileInfo | undefined => native().fileInfo(path)

/** True when two paths lead to the same file (stat(2)); false where one of them leads nowhere. @throws SyscallError */
export const sameFile = (one: string, other: string): boolean => native().sameFile(one, other)

/** True when a file has an extended attribute of this name (getxattr(2)). */
export const hasAttribute = (path: string, name: string): boolean => native().hasAttribute(path, name)

/** What is at the end of a path below a root, links followed. */
export type LookedAt = RecordOf<'lookedAt'>

/**
 * Looks at a file below a directory that a container may own; no link leads out of it. Undefined where there is
 * nothing, or nothing that this process may look at.
 */
export const lookBelow = (root: string, path: string): LookedAt | undefined => native().lookBelow(root, path)

/** At most `size` bytes of a regular file below a directory that a container may own, from an offset on; never waits. */
export const readBelow = (root: string, path: string, offset: number, size: number): Uint8Array | undefined =>
  native().readBelow(root, path, offset, size)

/**
 * Gives pipes, sockets and terminals to a user (fchown(2)), as far as this process may; files and the null device stay as
 * they are. @throws SyscallError
 */
export const ownStreams = (fds: readonly number[], uid: number): void => native().ownStreams([...fds], uid)

/** True when this process may make files in a directory, or write to a file (faccessat2(2), effective ids). */
export const isWritable = (path: string): boolean => native().isWritable(path)

/** lchown(2). @throws SyscallError */
export const changeOwner = (path: string, uid: number, gid: number): void => native().changeOwner(path, uid, gid)

/** open(2), close-on-exec. @throws SyscallError */
export const openFile = (path: string, flags: number): number => native().openFile(path, flags)

/** close(2). */
export const closeFile = (fd: number): void => native().closeFile(fd)

/** A file in memory (memfd_create(2)) with this text, positioned at its start. @throws SyscallError */
export const memoryFile = (name: string, text: string): number => native().memoryFile(name, text)

/** The last `limit` bytes of an open file. @throws SyscallError */
export const readTail = (fd: number, limit: number): string => native().readTail(fd, limit)

/** Writes all of `text` to a descriptor. @throws SyscallError */
export const writeOut = (fd: number, text: string): void => native().writeOut(fd, text)

/** Reads and forgets what is in a non-blocking descriptor. */
export const drain = (fd: number): void => native().drain(fd)

/** flock(2), exclusive unless `shared`; false when it is taken and `wait` is not set. @throws SyscallError */
export const lockFile = (fd: number, options: { wait: boolean; shared?: boolean }): boolean =>
  native().lockFile(fd, options.shared ?? false, options.wait)
