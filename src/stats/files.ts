/** Statistics: reading the small files of a cgroup. What is missing is undefined, what is not a number 0. */
import { hasErrno, readFile } from '../native/binding.js'
import type { Cgroup } from '../cgroup/cgroup.js'
import type { Count, Pressure, PressureLine } from './types.js'

/** 2⁶⁴ − 1: what runc has for `max`. */
export const unlimited = 18446744073709551615n

/** The files of one cgroup directory. */
export class Files {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  /** Text of a file; undefined when there is none, the cgroup has gone, or the kernel keeps no such numbers. */
  text(name: string): string | undefined {
    try {
      return readFile(`${this.#directory}/${name}`)
    } catch (error) {
      if (['ENOENT', 'ENODEV', 'EOPNOTSUPP'].some((errno) => hasErrno(error, errno))) return undefined
      throw error
    }
  }

  /** The one number in a file; `max` is `unlimited`. */
  count(name: string): Count | undefined {
    const text = this.text(name)
    return text === undefined ? undefined : parseCount(text.trim())
  }

  /** Numbers by the word before them (`key value` lines). */
  keyed(name: string): Readonly<Record<string, Count>> {
    const entries = (this.text(name) ?? '').split('\n').map((line) => line.split(' '))
    return Object.fromEntries(entries.flatMap(([key, value]) => (key && value ? [[key, parseCount(value)]] : [])))
  }

  /** A pressure file (PSI). */
  pressure(name: string): Pressure | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    return { some: pressureLine(text, 'some'), full: pressureLine(text, 'full') }
  }
}

/** A number of up to 64 bits: exact, whatever its size. */
export function parseCount(text: string): Count {
  if (text === 'max') return unlimited
  if (!/^\d+$/.test(text)) return 0
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : BigInt(text)
}

/** The sum of two counters; what is more than 64 bits stays at `unlimited`. */
export function add(one: Count, other: Count): Count {
  const sum = BigInt(one) + BigInt(other)
  return parseCount(String(sum > unlimited ? unlimited : sum))
}

/** A counter in a smaller unit. */
export const multiply = (count: Count | undefined, factor: number): Count | undefined =>
  count === undefined ? undefined : parseCount(String(BigInt(count) * BigInt(factor)))

/** More than any kernel has (NR_CPUS is at most 8,192): a range that ends beyond was not written by one. */
const mostNumbers = 65_536

/** A list of CPUs or nodes: `0-2,5` (cpuset(7)). */
export function parseList(text: string): number[] {
  return text
    .trim()
    .split(',')
    .filter(Boolean)
    .flatMap((range) => {
      const [first = 0, last = first] = range.split('-').map(Number)
      return Array.from({ length: last < mostNumbers ? last - first + 1 : 0 }, (_, at) => first + at)
    })
}

/** Members that are neither 0 nor absent nor an empty list, as Go's `omitempty` has it. */
export function present<T extends object>(members: { readonly [K in keyof T]: T[K] | undefined }): Partial<T> {
  const isEmpty = (value: unknown): boolean =>
    value === undefined || value === 0 || value === '' || (Array.isArray(value) && value.length === 0)
  return Object.fromEntries(Object.entries(members).filter(([, value]) => !isEmpty(value))) as Partial<T>
}

function pressureLine(text: string, name: string): PressureLine {
  const line = text.split('\n').find((one) => one.startsWith(name)) ?? ''
  const value = (key: string): string => new RegExp(` ${key}=([0-9.]+)`).exec(line)?.[1] ?? '0'
  return {
    avg10: Number(value('avg10')),
    avg60: Number(value('avg60')),
    avg300: Number(value('avg300')),
    total: parseCount(value('total')),
  }
}

/** The files of a container's cgroups: of the unified hierarchy, and of the hierarchy of v1 that has a controller. */
export const filesOf = (cgroup: Cgroup): { unified: Files; v1: (controller: string) => Files | undefined } => ({
  unified: new Files(cgroup.unified ?? '/nonexistent'),
  v1(controller) {
    const directory = cgroup.v1(controller)
    return directory === undefined ? undefined : new Files(directory)
  },
})

/** A number that is looked at again and again: in which file it is, of a controller of cgroup v1, or of the one directory of v2. */
export interface GaugeSource<G extends string> {
  readonly gauge: G
  readonly controller?: string
  readonly file: string
  parse(text: string): number
}

/** The one number of a file; `max` is Infinity. */
export const plainNumber = (text: string): number => (text.trim() === 'max' ? Infinity : Number(text))

/** The number after a word at the beginning of a line; 0 without such a line. */
export const numberAfter = (key: string) => (text: string) =>
  Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)

/** The sum of all numbers that a pattern finds. */
export const sumOf = (pattern: RegExp) => (text: string) =>
  [...text.matchAll(pattern)].reduce((sum, [, value]) => sum + Number(value), 0)
