/** Stage 2, plan: ranges of ids, and the file that gives users ranges beside their own id (subuid(5)). */
import type { IdMapping } from './types.js'

/** `size` ids from `first` on. */
export interface IdRange {
  readonly first: number
  readonly size: number
}

/** The ids outside that one map stands for. */
export const hostRange = ({ hostID, size }: IdMapping): IdRange => ({ first: hostID, size })

/** The ranges that lines `NAME:FIRST:COUNT` give to one of `names`. */
export function parseSubordinateIds(text: string, names: readonly string[]): IdRange[] {
  return text
    .split('\n')
    .map((line) => line.split(':'))
    .filter(([name = '']) => names.includes(name))
    .map(([, first, size]) => ({ first: Number(first), size: Number(size) }))
    .filter(({ first, size }) => Number.isSafeInteger(first) && Number.isSafeInteger(size))
}

/** The parts of `wanted` that are in none of `given`. */
export function missingRanges(wanted: readonly IdRange[], given: readonly IdRange[]): IdRange[] {
  return wanted.flatMap((range) => given.reduce((left, taken) => left.flatMap((one) => without(one, taken)), [range]))
}

function without(range: IdRange, taken: IdRange): IdRange[] {
  const end = range.first + range.size
  const takenEnd = taken.first + taken.size
  if (takenEnd <= range.first || taken.first >= end) return [range]
  return [
    { first: range.first, size: taken.first - range.first },
    { first: takenEnd, size: end - takenEnd },
  ].filter(({ size }) => size > 0)
}

/** For example `1000, 100000-165535`. */
export const describeRanges = (ranges: readonly IdRange[]): string =>
  ranges.map(({ first, size }) => (size === 1 ? String(first) : `${first}-${first + size - 1}`)).join(', ')
