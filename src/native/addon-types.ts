/** The addon's functions and records as types, derived from their table. */
import type { enumTable, functionTable, recordTable } from './addon-table.js'

type Enums = typeof enumTable
type Records = typeof recordTable
type Functions = typeof functionTable

interface Values {
  i32: number
  u32: number
  number: number
  u64: number | bigint
  boolean: boolean
  text: string
  path: string
  texts: readonly string[]
  i32s: readonly number[]
  pairs: readonly (readonly [string, string])[]
  bytes: Uint8Array
  callback: () => void
}

type ValueOf<Kind> = Kind extends keyof Values
  ? Values[Kind]
  : Kind extends keyof Enums
    ? Enums[Kind][number]
    : Kind extends keyof Records
      ? RecordOf<Kind>
      : Kind extends `${infer Item}[]`
        ? readonly ValueOf<Item>[]
        : Kind extends `${infer Value}?`
          ? ValueOf<Value> | undefined
          : never

type ResultOf<Kind> = Kind extends `${infer Value}?`
  ? ResultOf<Value> | undefined
  : Kind extends 'void'
    ? undefined
    : Kind extends 'u64'
      ? bigint
      : Kind extends 'texts'
        ? string[]
        : Kind extends 'i32s'
          ? number[]
          : ValueOf<Kind>

type Arguments<List extends readonly string[]> = {
  [Place in keyof List]: List[Place] extends `${string}:${infer Kind}` ? ValueOf<Kind> : never
}

/** A record of the table. */
export type RecordOf<Name extends keyof Records> = {
  readonly [Member in keyof Records[Name]]: ValueOf<Records[Name][Member]>
}

/** The addon's functions. */
export type Addon = {
  readonly [Name in keyof Functions]: (
    ...args: Arguments<Functions[Name]['args']>
  ) => ResultOf<Functions[Name]['result']>
}
