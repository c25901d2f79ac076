/** Library: what a thread of a program and the thread that does its work say to each other, errors included. */
import * as errors from '../errors.js'
import type { RuntimeOptions } from '../runtime.js'

/** Settings of the Runtime that a call is for. */
export type Settings = Omit<RuntimeOptions, 'onWarning'> & {
  readonly root: string
  /** Who calls takes listeners of seccomp filters. */
  readonly supervised?: boolean
}

/** What is said to the core. */
export type ToCore =
  | { readonly kind: 'call'; readonly number: number; readonly verb: string; readonly args: readonly unknown[] }
  /** The descriptors of an answer have been copied. */
  | { readonly kind: 'taken'; readonly number: number }
  /** The listener has been copied. */
  | { readonly kind: 'heard'; readonly fd: number }
  | { readonly kind: 'reaped'; readonly number: number; readonly known: boolean }

/** What the core says. */
export type FromCore =
  | { readonly kind: 'answer'; readonly number: number; readonly value: unknown; readonly keeps: boolean }
  | { readonly kind: 'failure'; readonly number: number; readonly error: unknown }
  | { readonly kind: 'warning'; readonly number: number; readonly message: string }
  /** A listener of a seccomp filter, on which calls are about to wait. */
  | { readonly kind: 'listener'; readonly number: number; readonly fd: number }
  /** Is it a child that somebody may wait for? Then its exit status is theirs. */
  | { readonly kind: 'reap'; readonly number: number; readonly pid: number }

/** An error of tsrun as plain data: a message between threads would make a plain Error of it. */
interface PackedError {
  readonly packed: typeof mark
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  readonly cause: unknown
  readonly suppressed: readonly unknown[]
  readonly fields: Readonly<Record<string, unknown>>
}

const mark = 'tsrun.error'

/** The classes, by their names. */
const classes = errors as unknown as Readonly<Record<string, { readonly prototype: object } | undefined>>

/** What can be sent of an error, or of anything else that was thrown. */
export function packError(error: unknown): unknown {
  if (!errors.isTsrunError(error)) return error
  const { name, message, stack, cause, suppressed, ...fields } = error
  const packed: PackedError = {
    ...{ packed: mark, name, message, stack, cause: packError(cause), suppressed: suppressed.map(packError) },
    fields: withoutSymbols(fields),
  }
  return packed
}

/** The same error in another thread: of its class, with its fields and the stack of where it was thrown. */
export function unpackError(given: unknown): unknown {
  if (typeof given !== 'object' || given === null || !('packed' in given) || given.packed !== mark) return given
  const { name, message, stack, cause, suppressed, fields } = given as PackedError
  const error = new Error(message, cause === undefined ? {} : { cause: unpackError(cause) })
  Object.setPrototypeOf(error, classes[name]?.prototype ?? errors.TsrunError.prototype)
  Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true })
  return Object.assign(error, { name, ...fields, suppressed: suppressed.map(unpackError), [errors.brand]: true })
}

/** A symbol cannot be sent. */
const withoutSymbols = (fields: object): Readonly<Record<string, unknown>> => Object.fromEntries(Object.entries(fields))
