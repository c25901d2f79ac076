/** Stage 1, config: the shapes of single values that config.json is made of. */
import { integer, lazily, list, map, type Shape } from './shape.js'

/** An integer of 64 bits: a bigint where its magnitude is above 2^53 - 1, so that it stays exact. */
export type Int64 = number | bigint

/** A string. */
export const text: Shape<string> = { kind: 'text', emptyIsAbsent: false }

/** A string that counts as absent when it is empty; for optional members. */
export const textOrEmpty: Shape<string> = { kind: 'text', emptyIsAbsent: true }

/** A string that passes the test; `expected` says what it must be. */
export function textThat(test: (text: string) => boolean, expected: string): Shape<string> {
  return { kind: 'text', emptyIsAbsent: false, only: { test, expected } }
}

/** A list of strings. */
export const texts = list(text)

/** An object of strings. */
export const textMap = map(text)

/** A boolean. */
export const flag: Shape<boolean> = { kind: 'flag' }

/** 0 to 2^16 - 1. */
export const uint16 = integer(0, 0xffff)

/** 0 to 2^32 - 1. */
export const uint32 = integer(0, 0xffffffff)

/** -2^31 to 2^31 - 1. */
export const int32 = integer(-0x80000000, 0x7fffffff)

/** A user or group id: 2^32 - 1 is the kernel's "no id". */
export const id = integer(0, 0xfffffffe)

/** An integer that a double holds exactly. */
export const safeInteger = integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)

/** 0 to 2^64 - 1. */
export const uint64: Shape<Int64> = { kind: 'wide', min: 0n, max: 0xffff_ffff_ffff_ffffn }

/** -2^63 to 2^63 - 1. */
export const int64: Shape<Int64> = { kind: 'wide', min: -0x8000_0000_0000_0000n, max: 0x7fff_ffff_ffff_ffffn }

/** A list of CPUs or memory nodes such as `0-3,7`. */
export const cpuList = lazily(() => textThat((value) => /^[0-9, -]*$/.test(value), 'a list of CPUs such as "0-3,7"'))
