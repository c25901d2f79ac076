/**
 * Stage 1, config: what all tables of the vocabulary have in common. Each enum of the spec is one table
 * here, from its names to what the kernel calls them; everything else that must know the names (the
 * schema and its errors, the types, the planner, `features`, the output of `tsrun plan`) asks the table.
 */

/** A table from the names of the spec, in the order of error messages, to numbers of the kernel. */
export type NumberTable = Readonly<Record<string, number>>

/** The names of a table, in its order. */
export const namesOf = <T extends object>(table: T): readonly (keyof T & string)[] =>
  Object.keys(table) as (keyof T & string)[]

/** The bits that the names stand for, together. */
export const bitsOf = <T extends NumberTable>(table: T, names: readonly (keyof T)[]): number =>
  names.reduce((bits, name) => bits | (table[name] ?? 0), 0)
