/** The addon's functions and records as types, derived from their table. */
import type { enumTable, recordTable } from './addon-records.js'
import type { functionTable, libraryTable } from './addon-table.js'

type Enums = typeof enumTable
type Records = typeof recordTable

interface Values {
  i32: number
  fd: number
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

interface Row {
  readonly args: readonly string[]
  readonly result: string
}

type FunctionsOf<Table extends Readonly<Record<string, Row>>> = {
  readonly [Name in keyof Table]: (...args: Arguments<Table[Name]['args']>) => ResultOf<Table[Name]['result']>
}

/** The addon's functions. */
export type Addon = FunctionsOf<typeof functionTable>

/** Those that are there where there is an event loop. */
export type LibraryAddon = FunctionsOf<typeof libraryTable>
