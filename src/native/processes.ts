/** Native: this process and others: identity, pidfds, signals, ends, the foreground. */
import { hasErrno, native } from './addon.js'
import type { RecordOf } from './addon-types.js'

/** Own pid, effective uid and gid. */
export const processIds = (): { pid: number; euid: number; egid: number } => native().processIds()

/** What /proc/PID/stat tells of a process. */
export type ProcessStat = RecordOf<'processStat'>

/** Undefined when there is no such process. @throws SyscallError */
export const readProcessStat = (pid: number): ProcessStat | undefined => native().processStat(pid)

/** The permitted capabilities of this process (capabilities(7)) as a bit set. @throws SyscallError */
export const permittedCapabilities = (): bigint => native().permittedCapabilities()

/** A pidfd, or -1 when the process is gone. @throws SyscallError */
export const openProcess = (pid: number): number => native().openProcess(pid)

/** Sends a signal through a pidfd; false when the process is gone. @throws SyscallError */
export const signalProcess = (pidfd: number, signal: number): boolean => native().signalProcess(pidfd, signal)

/** How a process ended: exactly one member is there. */
export type ExitStatus = { readonly code: number } | { readonly signal: number }

/** The addon gives minus the signal. */
const exitStatus = (end: number): ExitStatus => (end < 0 ? { signal: -end } : { code: end })

/** Reaps a child: its status, undefined while it runs, null when it is nobody's or another's child. */
export function reapProcess(pidfd: number): ExitStatus | null | undefined {
  try {
    const end = native().reapProcess(pidfd)
    return end === undefined ? undefined : exitStatus(end)
  } catch (error) {
    if (hasErrno(error, 'ECHILD')) return null
    throw error
  }
}

/** Starts a helper program of the host; its pidfd, by which it is waited for and reaped. @throws SyscallError */
export const spawnProgram = (request: RecordOf<'spawnRequest'>): number => native().spawnProgram(request)

/** Sets policy and attributes of a child of this process (sched_setattr(2)). @throws SyscallError */
export const setScheduler = (pid: number, attributes: RecordOf<'schedulerAttributes'>): void =>
  native().setScheduler(pid, attributes)

/**
 * Starts a program that is talked with: it gets one end of a SOCK_SEQPACKET pair as the first descriptor behind those of
 * the request. Both descriptors belong to the caller. @throws SyscallError
 */
export const spawnService = (request: RecordOf<'spawnRequest'>): RecordOf<'service'> => native().spawnService(request)

/** pidfd_getfd(2). @throws SyscallError */
export const takeDescriptor = (pidfd: number, fd: number): number => native().takeDescriptor(pidfd, fd)

/** PR_SET_CHILD_SUBREAPER. @throws SyscallError */
export const setSubreaper = (): void => native().setSubreaper()

/** Collects signals from now on, for `runForeground` to forward. */
export const catchSignals = (): void => native().catchSignals()

/**
 * Makes a terminal of a container an extension of the one this process has: of its size, and without line ends of
 * its own (ONLCR of termios(3)), as the outer one makes them. @throws SyscallError
 */
export const adoptTerminal = (ptmx: number): void => native().adoptTerminal(ptmx)

/** The notify socket of a container, and the one of the manager to whom READY is handed on. */
export interface NotifyRelay {
  readonly fd: number
  readonly host: string
}

/** Blocks until the process ends: forwards signals, carries the terminal's data (ptmx -1: none). */
export const runForeground = (pid: number, pidfd: number, ptmx: number, notify?: NotifyRelay): ExitStatus =>
  exitStatus(native().runForeground(pid, pidfd, ptmx, notify?.fd ?? -1, notify?.host ?? ''))

/**
 * Puts this process into a user and a mount namespace of its own, where it is root. `uidMap` and `gidMap` are newuidmap(1)
 * and newgidmap(1) with their arguments but the pid. @throws SyscallError, EINVAL in a process of several threads
 */
export const enterUserNamespace = (uidMap: readonly string[], gidMap: readonly string[]): void =>
  native().enterUserNamespace(uidMap, gidMap)
