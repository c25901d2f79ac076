<<<<<<< HEAD
/** Native: all of it, by subject. */
export { describeFailure, errnoName, hasErrno } from './addon.js'
export * from './files.js'
export * from './processes.js'
export * from './sockets.js'
export * from './poll.js'
export * from './init.js'
export * from './kernel.js'
=======
/**
 * The only door to native code: every function of the addon, its failures as SyscallError. Files go this way
 * too: the executable has no `node:fs`, and paths below a rootfs have no business in TypeScript.
 */
import { ConfigError, SyscallError } from '../errors.js'
import type { DeviceRulePlan } from '../plan/resources/devices.js'
import type { SeccompRequest } from '../plan/seccomp.js'
import { deviceWords } from './device-words.js'
import {
  addon,
  type ExitStatus,
  type FileInfo,
  type Frame,
  type Launched,
  type LaunchRequest,
  type RejectedDevice,
  type RejectedWrite,
  type SpawnRequest,
} from './addon.js'

export type * from './addon.js'

/** open(2) flags that callers of `openFile` and `writeFile` combine; the same on all Linux ports. */
export const openFlag = {
  read: 0,
  write: 1,
  create: 0o100,
  truncate: 0o1000,
  append: 0o2000,
  path: 0o10000000,
} as const

interface NativeFailure extends Error {
  syscall: string
  errno: number
  path?: string
}

const isNativeFailure = (error: unknown): error is NativeFailure =>
  error instanceof Error && 'syscall' in error && 'errno' in error && typeof error.errno === 'number'

/** The words of a failed system call: `open "/x": no such file or directory`. */
export function describeFailure(syscall: string, errno: number, path: string | undefined): string {
  const words = errno === 0 ? '' : `: ${addon().errorText(errno).words}`
  return `${syscall}${path === undefined || path === '' ? '' : ` ${JSON.stringify(path)}`}${words}`
}

/** Name of an errno, for example EPERM. */
export const errnoName = (errno: number): string => addon().errorText(errno).name

/** Runs native code. @throws SyscallError */
export function native<T>(step: () => T): T {
  try {
    return step()
  } catch (error) {
    if (!isNativeFailure(error)) throw error
    const { syscall, errno, path } = error
    throw new SyscallError(describeFailure(syscall, errno, path), {
      side: 'parent',
      step: syscall,
      syscall,
      errno,
      errnoName: errnoName(errno),
      ...(path === undefined ? {} : { path }),
    })
  }
}

/** True for a SyscallError with this errno name. */
export const hasErrno = (error: unknown, name: string): boolean =>
  error instanceof SyscallError && error.errnoName === name

const defaultLimit = 64 * 1024 * 1024

/** The whole text of a file, at most `limit` bytes (EFBIG). @throws SyscallError */
export const readFile = (path: string, limit = defaultLimit): string => native(() => addon().readFile(path, limit))

/** The text of a file, or undefined where there is none (ENOENT). @throws SyscallError */
export function readFileIfAny(path: string): string | undefined {
  try {
    return readFile(path)
  } catch (error) {
    if (hasErrno(error, 'ENOENT') || hasErrno(error, 'ENOTDIR')) return undefined
    throw error
  }
}

/** Writes to a file opened with `flags` (default: write only, must exist). @throws SyscallError */
export const writeFile = (path: string, text: string, flags: number = openFlag.write, mode = 0o644): void =>
  native(() => addon().writeFile(path, text, flags, mode))

/** Replaces a file in one step: temporary file `.NAME` beside it, then rename(2). @throws SyscallError */
export const replaceFile = (path: string, text: string, mode: number): void =>
  native(() => addon().replaceFile(path, text, mode))

/** Writes all of `text` to a descriptor. @throws SyscallError */
export const writeOut = (fd: number, text: string): void => native(() => addon().writeOut(fd, text))

/** mkdir(2). @throws SyscallError */
export const makeDirectory = (path: string, mode: number): void => native(() => addon().makeDirectory(path, mode))

/** Gives a file another name, in one step. @throws SyscallError */
export const renameFile = (from: string, to: string): void => native(() => addon().renameFile(from, to))

/** unlink(2); a missing file is fine. @throws SyscallError */
export const removeFile = (path: string): void => native(() => addon().removeFile(path))

/** rmdir(2); a missing directory is fine. @throws SyscallError */
export const removeDirectory = (path: string): void => native(() => addon().removeDirectory(path))

/** Names in a directory, without `.` and `..`, unsorted. @throws SyscallError */
export const listDirectory = (path: string): string[] => native(() => addon().listDirectory(path))

/** realpath(3). @throws SyscallError */
export const realPath = (path: string): string => native(() => addon().realPath(path))

/** lstat(2), undefined where there is nothing. @throws SyscallError */
export const fileInfo = (path: string): FileInfo | undefined => native(() => addon().fileInfo(path))

/** True when two paths lead to the same file (stat(2)); false where one of them leads nowhere. */
export const sameFile = (one: string, other: string): boolean => addon().sameFile(one, other)

/** True when a file has an extended attribute of this name (getxattr(2)). */
export const hasAttribute = (path: string, name: string): boolean => addon().hasAttribute(path, name)

/** open(2), close-on-exec. @throws SyscallError */
export const openFile = (path: string, flags: number): number => native(() => addon().openFile(path, flags))

/** close(2). */
export const closeFile = (fd: number): void => addon().closeFile(fd)

/** A file in memory (memfd_create(2)) with this text, positioned at its start. @throws SyscallError */
export const memoryFile = (name: string, text: string): number => native(() => addon().memoryFile(name, text))

/** The last `limit` bytes of an open file. @throws SyscallError */
export const readTail = (fd: number, limit: number): string => native(() => addon().readTail(fd, limit))

/** flock(2), exclusive; false when it is taken and `wait` is not set. @throws SyscallError */
export const lockFile = (fd: number, options: { wait: boolean }): boolean =>
  native(() => addon().lockFile(fd, options.wait))

/** Takes that lock in a thread; returns an eventfd that becomes readable then. @throws SyscallError */
export const lockInBackground = (fd: number): number => native(() => addon().lockInBackground(fd))

/** lchown(2). @throws SyscallError */
export const changeOwner = (path: string, uid: number, gid: number): void =>
  native(() => addon().changeOwner(path, uid, gid))

/** Own pid, effective uid and gid. */
export const processIds = (): { pid: number; euid: number; egid: number } => addon().processIds()

/** The permitted capabilities of this process (capabilities(7)) as a bit set. @throws SyscallError */
export const permittedCapabilities = (): bigint => native(() => addon().permittedCapabilities())

/** A pidfd, or -1 when the process is gone. @throws SyscallError */
export const openProcess = (pid: number): number => native(() => addon().openProcess(pid))

/** Sends a signal through a pidfd; false when the process is gone. @throws SyscallError */
export const signalProcess = (pidfd: number, signal: number): boolean =>
  native(() => addon().signalProcess(pidfd, signal))

/** Reaps a child: its status, undefined while it runs, null when it is nobody's or another's child. */
export const reapProcess = (pidfd: number): ExitStatus | null | undefined => native(() => addon().reapProcess(pidfd))

/** pidfd_getfd(2). @throws SyscallError */
export const takeDescriptor = (pidfd: number, fd: number): number => native(() => addon().takeDescriptor(pidfd, fd))

/** PR_SET_CHILD_SUBREAPER. @throws SyscallError */
export const setSubreaper = (): void => native(() => addon().setSubreaper())

/**
 * Writes values to files of a cgroup directory, one write(2) per line of a value, in order; ends at the
 * first that is rejected and tells which. @throws SyscallError when there is no directory
 */
export const writeCgroup = (
  directory: string,
  files: readonly (readonly [file: string, value: string])[],
): RejectedWrite | undefined => native(() => addon().writeCgroup(directory, files))

/**
 * Walks a cgroup and all those below it by descriptors, since names below a container's own are its choice: lists their
 * processes (0 for one that is outside of this pid namespace), thaws them (cgroup v1), or removes all but the first
 * where they are not busy. What has gone meanwhile doesn't count. @throws SyscallError
 */
export const cgroupSubtree = (directory: string, work: 'list' | 'thaw' | 'remove'): number[] =>
  native(() => addon().cgroupSubtree(directory, work))

/** Moves network devices to the namespace at a path; tells which one could not be. @throws SyscallError */
export const moveDevices = (
  netns: string,
  devices: readonly (readonly [name: string, target: string])[],
): RejectedDevice | undefined => native(() => addon().moveDevices(netns, devices))

/** Attaches device rules to a cgroup2 directory, in the place of earlier ones. @throws SyscallError */
export const setDeviceRules = (directory: string, rules: readonly DeviceRulePlan[]): void =>
  native(() => addon().setDeviceRules(directory, deviceWords(rules)))

/** The eBPF program of device rules (struct bpf_insn[]), for tests. */
export const assembleDeviceRules = (rules: readonly DeviceRulePlan[]): Uint8Array =>
  native(() => addon().assembleDeviceRules(deviceWords(rules)))

/** Clones and starts `tsrun-init` with a plan. @throws SyscallError */
export const launch = (request: LaunchRequest): Launched => native(() => addon().launch(request))

/** Starts a helper program of the host; its pidfd, by which it is waited for and reaped. @throws SyscallError */
export const spawnProgram = (request: SpawnRequest): number => native(() => addon().spawnProgram(request))

/** The next frame from init, null when it has closed its end, undefined when there is none yet. */
export const receive = (fd: number, options: { wait: boolean }): Frame | null | undefined =>
  native(() => addon().receive(fd, options.wait))

/** Answers a barrier, or starts a created container. @throws SyscallError */
export const sendGo = (fd: number): void => native(() => addon().sendGo(fd))

/** Binds and listens on the start socket (mode 0600). @throws SyscallError */
export const listenStart = (path: string): number => native(() => addon().listenStart(path))

/** Connects to a Unix socket, SOCK_STREAM unless `packets`. @throws SyscallError */
export const connectSocket = (path: string, options: { packets: boolean }): number =>
  native(() => addon().connectSocket(path, options.packets))

/** Sends a text, with one descriptor unless `fd` is -1. @throws SyscallError */
export const sendDescriptor = (socket: number, text: string, fd: number): void =>
  native(() => addon().sendDescriptor(socket, text, fd))

/** Blocks until a descriptor is readable; false after `timeout` milliseconds (-1: never). */
export const waitReadable = (fd: number, timeout = -1): boolean => native(() => addon().waitReadable(fd, timeout))

/** Resolves when a descriptor is readable; keeps the event loop alive until then. */
export const readable = (fd: number): Promise<void> =>
  new Promise((resolve) => native(() => addon().watch(fd, () => resolve())))

/** A descriptor that becomes readable when the file is modified (inotify(7)). @throws SyscallError */
export const notifyFile = (path: string): number => native(() => addon().notifyFile(path))

/** A descriptor that becomes readable after some milliseconds, once or again and again. @throws SyscallError */
export const openTimer = (milliseconds: number, options: { repeat: boolean }): number =>
  native(() => addon().openTimer(milliseconds, options.repeat))

/** A descriptor (epoll(7)) that is readable when one of several is. @throws SyscallError */
export const gather = (fds: readonly number[]): number => native(() => addon().gather(fds))

/**
 * A descriptor that becomes readable when a memory cgroup of cgroup v1 is out of memory, or is removed.
 * @throws SyscallError
 */
export const notifyOom = (directory: string): number => native(() => addon().notifyOom(directory))

/** Reads and forgets what is in a non-blocking descriptor. */
export const drain = (fd: number): void => native(() => addon().drain(fd))

/** Collects signals from now on, for `runForeground` to forward. */
export const catchSignals = (): void => native(() => addon().catchSignals())

/** Gives a terminal the size of the one this process has, if it has one. */
export const copyTerminalSize = (ptmx: number): void => native(() => addon().copyTerminalSize(ptmx))

/** The notify socket of a container, and the one of the manager to whom READY is handed on. */
export interface NotifyRelay {
  readonly fd: number
  readonly host: string
}

/** Blocks until the process ends: forwards signals, carries the terminal's data (ptmx -1: none). */
export const runForeground = (pid: number, pidfd: number, ptmx: number, notify?: NotifyRelay): ExitStatus =>
  native(() => addon().runForeground(pid, pidfd, ptmx, notify?.fd ?? -1, notify?.host ?? ''))

/** Binds a datagram socket that anybody may send to (mode 0777). @throws SyscallError */
export const listenNotify = (path: string): number => native(() => addon().listenNotify(path))

/**
 * Hands READY on to the manager, with MAINPID when `pid` is above 0; then blocks until the manager has
 * taken notice, at most 30 seconds. False when the container has not said READY yet.
 */
export const forwardNotify = ({ fd, host }: NotifyRelay, pid: number): boolean =>
  native(() => addon().forwardNotify(fd, host, pid))

/** 64-bit FNV-1a of a text as 16 hexadecimal digits: for file names, not for trust. */
export const hashText = (text: string): string => addon().hashText(text)

/** The data of a file that `writeKeyed` made with this very key; undefined for another key or no file. */
export const readKeyed = (path: string, key: string): Uint8Array | undefined =>
  native(() => addon().readKeyed(path, key))

/** Replaces a file in one step by a key and data that belongs to it (mode 0600). @throws SyscallError */
export const writeKeyed = (path: string, key: string, data: Uint8Array): void =>
  native(() => addon().writeKeyed(path, key, data))

/** Compiles a seccomp section with libseccomp to BPF (struct sock_filter[]). @throws ConfigError */
export function compileSeccomp(request: SeccompRequest): Uint8Array {
  try {
    return addon().compileSeccomp(request)
  } catch (error) {
    // Not a failed system call: libseccomp cannot make a filter of what the config says.
    throw ConfigError.from([{ pointer: '/linux/seccomp', message: (error as Error).message }])
  }
}

/** Version of the libseccomp that is linked in, for example `2.5.4`. */
export const seccompVersion = (): string => addon().seccompVersion()
>>>>>>> 0c95569 (Make the QuickJS executable the command, and drop Bun)
