/**
 * Loads the addon and types what it exports; only binding.ts imports this. What the functions do is
 * said there.
 */
import { UnsupportedError } from '../errors.js'
import type { SeccompRequest } from '../plan/seccomp.js'

/** A frame that init has sent; which members matter depends on its type (native/sys/frame.h). */
export interface Frame {
  readonly type: 'failure' | 'event' | 'child' | 'console' | 'listener' | 'hook' | 'source'
  /** Index in the plan's step table. */
  readonly step: number
  readonly errno: number
  readonly value: number
  readonly syscall: string
  readonly path: string
  readonly detail: string
  /** An attached descriptor (close-on-exec), or -1. */
  readonly fd: number
}

/** How a process ended: exactly one member is there. */
export type ExitStatus = { readonly code: number } | { readonly signal: number }

/** What a launch gives back; all descriptors are close-on-exec and belong to the caller. */
export interface Launched {
  readonly pid: number
  readonly pidfd: number
  /** Our end of the sync socket. */
  readonly sync: number
}

/** Arguments of `launch`. */
export interface LaunchRequest {
  readonly plan: Uint8Array
  readonly cloneFlags: number
  /** Directory of the cgroup2 group to be born in, or -1. */
  readonly cgroupFd: number
  /** Listening start socket that init inherits, or -1. */
  readonly startFd: number
  readonly stdio: readonly [number, number, number]
  readonly preserveFds: number
  /** Pidfd of the init process whose namespaces the plan enters, or -1. */
  readonly targetFd: number
  /** CPU list to be born on, empty for the caller's. */
  readonly cpus: string
}

/** Arguments of `spawnProgram`. */
export interface SpawnRequest {
  /** Of the program; no PATH is searched. */
  readonly path: string
  /** From argv[0] on. */
  readonly args: readonly string[]
  /** `NAME=value`; without it the caller's own. */
  readonly env?: readonly string[]
  readonly cwd: string
  /** Become 0, 1, 2, …; the program gets no others. */
  readonly descriptors: readonly number[]
}

/** The write that the kernel did not take; those before it are done. */
export interface RejectedWrite {
  readonly index: number
  readonly syscall: string
  readonly errno: number
}

/** The network device that could not be moved. */
export interface RejectedDevice {
  readonly index: number
  /** The rtnetlink(7) message that was refused. */
  readonly operation: string
  readonly errno: number
  /** More than errno says; may be empty. */
  readonly words: string
}

/** lstat(2), reduced to what tsrun asks. */
export interface FileInfo {
  readonly type: 'file' | 'directory' | 'link' | 'socket' | 'other'
  readonly mode: number
  readonly uid: number
}

/** The addon's functions (native/addon/module.cc). */
export interface Addon {
  readFile(path: string, limit: number): string
  writeFile(path: string, text: string, flags: number, mode: number): void
  replaceFile(path: string, text: string, mode: number): void
  writeOut(fd: number, text: string): void
  makeDirectory(path: string, mode: number): void
  renameFile(from: string, to: string): void
  removeFile(path: string): void
  removeDirectory(path: string): void
  listDirectory(path: string): string[]
  realPath(path: string): string
  fileInfo(path: string): FileInfo | undefined
  sameFile(one: string, other: string): boolean
  hasAttribute(path: string, name: string): boolean
  openFile(path: string, flags: number): number
  closeFile(fd: number): void
  memoryFile(name: string, text: string): number
  readTail(fd: number, limit: number): string
  lockFile(fd: number, wait: boolean): boolean
  lockInBackground(fd: number): number
  changeOwner(path: string, uid: number, gid: number): void
  processIds(): { pid: number; euid: number; egid: number }
  permittedCapabilities(): bigint
  openProcess(pid: number): number
  signalProcess(pidfd: number, signal: number): boolean
  reapProcess(pidfd: number): ExitStatus | null | undefined
  takeDescriptor(pidfd: number, fd: number): number
  setSubreaper(): void
  errorText(errno: number): { name: string; words: string }
  writeCgroup(directory: string, files: readonly (readonly [string, string])[]): RejectedWrite | undefined
  cgroupSubtree(directory: string, work: 'list' | 'thaw' | 'remove'): number[]
  launch(request: LaunchRequest): Launched
  receive(fd: number, wait: boolean): Frame | null | undefined
  sendGo(fd: number): void
  spawnProgram(request: SpawnRequest): number
  listenStart(path: string): number
  connectSocket(path: string, packets: boolean): number
  sendDescriptor(socket: number, text: string, fd: number): void
  sendBytes(socket: number, bytes: Uint8Array): void
  receiveBytes(socket: number, limit: number): Uint8Array | undefined
  waitReadable(fd: number, timeout: number): boolean
  watch(fd: number, callback: () => void): void
  notifyFile(path: string): number
  openTimer(milliseconds: number, repeat: boolean): number
  gather(fds: readonly number[]): number
  notifyOom(directory: string): number
  drain(fd: number): void
  catchSignals(): void
  copyTerminalSize(ptmx: number): void
  runForeground(pid: number, pidfd: number, ptmx: number, notify: number, notifyHost: string): ExitStatus
  listenNotify(path: string): number
  forwardNotify(fd: number, host: string, pid: number): boolean
  moveDevices(netns: string, moves: readonly (readonly [string, string])[]): RejectedDevice | undefined
  setDeviceRules(directory: string, rules: Uint32Array): void
  assembleDeviceRules(rules: Uint32Array): Uint8Array
  hashText(text: string): string
  readKeyed(path: string, key: string): Uint8Array | undefined
  writeKeyed(path: string, key: string, data: Uint8Array): void
  compileSeccomp(request: SeccompRequest): Uint8Array
  seccompVersion(): string
}

/** Set by the bundler in the standalone executable. */
declare const TSRUN_STANDALONE: boolean | undefined

let loaded: Addon | undefined

const isStandalone = (): boolean => typeof TSRUN_STANDALONE !== 'undefined'

/** Where the addon may lie: beside the executable for the standalone one, else in the package. */
function addonPaths(): string[] {
  if (isStandalone()) {
    const directory = process.execPath.slice(0, process.execPath.lastIndexOf('/'))
    return [`${directory}/tsrun.node`, `${directory}/../lib/tsrun/tsrun.node`]
  }
  const root = new URL('../..', import.meta.url).pathname
  return [`${root}build/Release/tsrun.node`, `${root}prebuilds/${process.platform}-${process.arch}/tsrun.node`]
}

function load(): Addon {
  const failures: string[] = []
  for (const path of addonPaths()) {
    try {
      const module = { exports: {} }
      process.dlopen(module, path)
      return module.exports as Addon
    } catch (error) {
      failures.push((error as Error).message)
    }
  }
  throw new UnsupportedError('addon', `the native addon cannot be loaded: ${failures.join('; ')}`)
}

/** The addon, loaded on first use. @throws UnsupportedError when none fits this platform */
export const addon = (): Addon => (loaded ??= load())
