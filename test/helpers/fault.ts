/** Test helper: runs a command of the runtime with one system call failing, or one process killed (tools/fault.c). */
import { readFileSync } from 'node:fs'
import type { Result, RunOptions } from './runtime.js'
import type { Scope } from './scope.js'
import { tool } from './tools.js'

/** What the injector has seen. */
export interface FaultReport {
  /** Exit status of the command, or the negative number of the signal. */
  readonly status: number
  /** It had not ended after the injector's limit of 60 s. */
  readonly hung: boolean
  /** Number of the call that was hit; -1 when there was none. */
  readonly number: number
  /** Its path, if it has one, and the name of the process. */
  readonly path: string
  readonly name: string
  /** The runtime's own processes in the order of their birth, with the calls that count. */
  readonly processes: readonly { readonly name: string; readonly calls: number }[]
}

/** How a command with a fault went. */
export interface Faulted extends Result {
  readonly report: FaultReport
}

/** Where the fault is; see tools/fault.c. */
export type Fault =
  | { readonly mode: 'count' }
  | { readonly mode: 'fail'; readonly process: number; readonly call: number; readonly errno: number }
  | { readonly mode: 'kill'; readonly process: number; readonly call: number }
  | {
      readonly mode: 'call'
      readonly number: number
      readonly call?: number
      readonly errno: number
      readonly path?: string
    }

/** Errnos that system calls fail with where nothing is wrong with the program: faults of a host under load. */
export const errnos = { EPERM: 1, EINTR: 4, EIO: 5, ENOMEM: 12, ENOSPC: 28, EMFILE: 24 } as const

/** Numbers of calls on x86-64. */
export const calls = {
  read: 0,
  stat: 4,
  lstat: 6,
  poll: 7,
  fcntl: 72,
  sendto: 44,
  recvmsg: 47,
  flock: 73,
  unlink: 87,
  sendmsg: 46,
  openat: 257,
  newfstatat: 262,
} as const

function words(fault: Fault): string[] {
  switch (fault.mode) {
    case 'count':
      return ['count']
    case 'fail':
      return ['fail', fault.process, fault.call, fault.errno].map(String)
    case 'kill':
      return ['kill', fault.process, fault.call].map(String)
    case 'call':
      return [
        'call',
        fault.number,
        fault.call ?? 1,
        fault.errno,
        ...(fault.path === undefined ? [] : [fault.path]),
      ].map(String)
  }
}

/** Runs the runtime to its end with a fault. */
export function withFault(scope: Scope, args: readonly string[], fault: Fault, options: RunOptions = {}): Faulted {
  const path = scope.path('fault-report')
  const command = scope.runner.commandLine(args, options)
  const result = scope.runner.runProgram(tool('fault'), [path, scope.word, ...words(fault), '--', ...command], options)
  const report = JSON.parse(readFileSync(path, 'utf8')) as FaultReport
  return { ...result, status: report.status, report }
}
