/** Every error tsrun throws. `code` and the listed fields are stable; message texts may change. */

/** Stable machine-readable error codes. */
export type ErrorCode =
  | 'ERR_TSRUN_USAGE'
  | 'ERR_TSRUN_CONFIG'
  | 'ERR_TSRUN_NOT_FOUND'
  | 'ERR_TSRUN_EXISTS'
  | 'ERR_TSRUN_STATUS'
  | 'ERR_TSRUN_STORE'
  | 'ERR_TSRUN_UNSUPPORTED'
  | 'ERR_TSRUN_HOOK'
  | 'ERR_TSRUN_SYSCALL'
  | 'ERR_TSRUN_PROTOCOL'
  | 'ERR_TSRUN_SYSTEMD'
  | 'ERR_TSRUN_CRIU'
  | 'ERR_TSRUN_IMAGE'

/** Marks the errors of every copy of tsrun in a process. */
export const brand = Symbol.for('tsrun.error')

/** Base of all errors of tsrun; `suppressed` holds failures met while cleaning up after this one. */
export abstract class TsrunError extends Error {
  abstract readonly code: ErrorCode
  readonly suppressed: Error[] = []
  /** What the one who reads the message may do or look at, where more is known than what has failed. */
  hint?: string
  readonly [brand] = true

  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = new.target.name
  }
}

/** Every error of tsrun: `code` tells which one it is, and so which fields it has. */
export type AnyTsrunError =
  | UsageError
  | ConfigError
  | NotFoundError
  | ExistsError
  | StatusError
  | StoreError
  | UnsupportedError
  | HookError
  | SyscallError
  | ProtocolError
  | SystemdError
  | ImageError

/** True for an error thrown by any copy of tsrun in this process. */
export function isTsrunError(error: unknown): error is AnyTsrunError {
  return typeof error === 'object' && error !== null && brand in error
}

/** A bad flag or argument of the command line, or a bad option given to the library. */
export class UsageError extends TsrunError {
  readonly code = 'ERR_TSRUN_USAGE'
}

/** One problem of config.json: where it is (RFC 6901 JSON pointer) and what is wrong with it. */
export interface ConfigIssue {
  readonly pointer: string
  readonly message: string
}

/** config.json cannot be used; `issues` lists every problem found, not only the first. */
export class ConfigError extends TsrunError {
  readonly code = 'ERR_TSRUN_CONFIG'
  readonly issues: readonly ConfigIssue[]
  constructor(message: string, issues: readonly ConfigIssue[] = [], options?: { cause?: unknown }) {
    super(message, options)
    this.issues = issues
  }
  /** The error for a parsed config.json with problems: one line that names them all. */
  static from(issues: readonly ConfigIssue[]): ConfigError {
    const list = issues.map((issue) => `${issue.pointer === '' ? '/' : issue.pointer}: ${issue.message}`)
    return new ConfigError(`invalid config.json: ${list.join('; ')}`, issues)
  }
}

/** There is no container with this id under the root. */
export class NotFoundError extends TsrunError {
  readonly code = 'ERR_TSRUN_NOT_FOUND'
  readonly id: string
  constructor(id: string) {
    super(`container ${JSON.stringify(id)} does not exist`)
    this.id = id
  }
}

/** The id is taken. */
export class ExistsError extends TsrunError {
  readonly code = 'ERR_TSRUN_EXISTS'
  readonly id: string
  constructor(id: string) {
    super(`container with given ID already exists: ${JSON.stringify(id)}`)
    this.id = id
  }
}

/** The operation is not possible in the container's status. */
export class StatusError extends TsrunError {
  readonly code = 'ERR_TSRUN_STATUS'
  readonly id: string
  readonly operation: string
  readonly status: string
  constructor(message: string, fields: { id: string; operation: string; status: string }) {
    super(message)
    this.id = fields.id
    this.operation = fields.operation
    this.status = fields.status
  }
}

/** The state directory or a state record is unreadable, locked, or written by a newer version. */
export class StoreError extends TsrunError {
  readonly code = 'ERR_TSRUN_STORE'
  readonly path: string
  constructor(message: string, path: string, options?: { cause?: unknown }) {
    super(message, options)
    this.path = path
  }
}

/** The request is valid but this host, or this version of tsrun, cannot do it. */
export class UnsupportedError extends TsrunError {
  readonly code = 'ERR_TSRUN_UNSUPPORTED'
  readonly feature: string
  constructor(feature: string, message: string) {
    super(message)
    this.feature = feature
  }
}

/** A hook failed, was killed by a signal, or ran past its timeout. */
export class HookError extends TsrunError {
  readonly code = 'ERR_TSRUN_HOOK'
  readonly hook: string
  readonly index: number
  readonly path: string
  constructor(message: string, fields: { hook: string; index: number; path: string }, options?: { cause?: unknown }) {
    super(message, options)
    this.hook = fields.hook
    this.index = fields.index
    this.path = fields.path
  }
}

/** What native code reports of a failed system call. */
export interface SyscallFailure {
  /** Which side of the launch failed: tsrun itself or the init process. */
  readonly side: 'parent' | 'init'
  /** The plan's step, or what the parent was doing. */
  readonly step: string
  readonly syscall: string
  /** Positive errno; 0 when the kernel was not the one to object. */
  readonly errno: number
  readonly path?: string
  /** Words that say more than errno does. */
  readonly detail?: string
}

/** A system call failed. */
export class SyscallError extends TsrunError implements SyscallFailure {
  readonly code = 'ERR_TSRUN_SYSCALL'
  readonly side: 'parent' | 'init'
  readonly step: string
  readonly syscall: string
  readonly errno: number
  readonly errnoName: string
  readonly path?: string
  readonly detail?: string
  constructor(message: string, failure: SyscallFailure & { errnoName: string }) {
    super(message)
    this.side = failure.side
    this.step = failure.step
    this.syscall = failure.syscall
    this.errno = failure.errno
    this.errnoName = failure.errnoName
    if (failure.path !== undefined) this.path = failure.path
    if (failure.detail !== undefined) this.detail = failure.detail
  }
}

/** The init process died or spoke out of order. */
export class ProtocolError extends TsrunError {
  readonly code = 'ERR_TSRUN_PROTOCOL'
}

/** systemd, asked over D-Bus, has refused or failed. */
export class SystemdError extends TsrunError {
  readonly code = 'ERR_TSRUN_SYSTEMD'
  /** Name of the D-Bus error, for example `org.freedesktop.systemd1.NoSuchUnit`. */
  readonly dbusName?: string
  constructor(message: string, dbusName?: string) {
    super(message)
    if (dbusName !== undefined) this.dbusName = dbusName
  }
}

/** CRIU has failed to checkpoint or restore a container; the message has the decisive lines of its log. */
export class CriuError extends TsrunError {
  readonly code = 'ERR_TSRUN_CRIU'
  /** CRIU's own log, which has more. */
  readonly logFile: string
  constructor(message: string, logFile: string) {
    super(message)
    this.logFile = logFile
  }
}

/** An image is not there, cannot be had, or holds what is not taken. */
export class ImageError extends TsrunError {
  readonly code = 'ERR_TSRUN_IMAGE'
  /** The entry of a layer, or of an archive, that is refused. */
  readonly entry?: string
  constructor(message: string, options?: { cause?: unknown; entry?: string }) {
    super(message, options)
    if (options?.entry !== undefined) this.entry = options.entry
  }
}

/** The message of an error and of its causes, outermost first, joined by `: `. */
export function messageChain(error: unknown): string {
  const parts: string[] = []
  let at = error
  for (; at instanceof Error; at = at.cause) parts.push(at.message)
  if (typeof at === 'string') parts.push(at)
  return parts.join(': ')
}
