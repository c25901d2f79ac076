/** Command line: the table of `tsrun top`, as lines of a terminal. Pure. */
import type { Gauge, Reading } from '../../stats/gauges.js'

/** One container: its gauges, and rates since the refresh before, undefined after the first. */
export interface Row {
  readonly id: string
  readonly now: Reading
  /** Percent of one CPU. */
  readonly cpu?: number | undefined
  /** Bytes per second. */
  readonly io?: number | undefined
}

/** What it can be sorted by. */
export type Column = 'cpu' | 'memory' | 'pids' | 'io' | 'oom' | 'id'

/** How the table is looked at. */
export interface Look {
  readonly sort: Column
  readonly reverse: boolean
  readonly filter: string
  /** The filter is being typed. */
  readonly typing: boolean
}

/** Keys that sort. */
export const sortKeys: Readonly<Record<string, Column>> = {
  c: 'cpu',
  m: 'memory',
  p: 'pids',
  i: 'io',
  o: 'oom',
  n: 'id',
}

/** The gauge that sorting needs of all containers; of the others only those that are shown are read. */
export const gaugesOf: Readonly<Record<Column, readonly Gauge[]>> = {
  ...{ cpu: ['cpu'], memory: ['memory'], pids: ['pids'], io: ['io'], oom: ['oom'], id: [] },
}

const valueOf = (row: Row, column: Exclude<Column, 'id'>): number =>
  (column === 'cpu' ? row.cpu : column === 'io' ? row.io : row.now[column]) ?? -1

/** The rows that the filter lets through, the most first; equal ones by name, so that they don't jump. */
export function arrange(rows: readonly Row[], { sort, reverse, filter }: Look): Row[] {
  const byName = (one: Row, other: Row): number => (one.id < other.id ? -1 : 1)
  const order = (one: Row, other: Row): number =>
    sort === 'id' ? byName(one, other) : valueOf(other, sort) - valueOf(one, sort) || byName(one, other)
  const sorted = rows.filter(({ id }) => id.includes(filter)).sort(order)
  return reverse ? sorted.reverse() : sorted
}

const units = ['B', 'K', 'M', 'G', 'T', 'P']

/** A number of bytes in at most five characters. */
export function bytes(value: number | undefined): string {
  if (value === undefined) return '-'
  let left = value
  let unit = 0
  for (; left >= 1000 && unit < units.length - 1; unit++) left /= 1024
  return `${left < 10 && unit > 0 ? left.toFixed(1) : Math.round(left)}${units[unit]}`
}

const barWidth = 10

function bar(memory: number | undefined, limit: number | undefined): string {
  if (memory === undefined || limit === undefined || !Number.isFinite(limit) || limit <= 0)
    return ' '.repeat(barWidth + 2)
  const full = Math.min(barWidth, Math.round((memory / limit) * barWidth))
  return `[${'#'.repeat(full)}${'.'.repeat(barWidth - full)}]`
}

const percent = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(1))
const count = (value: number | undefined): string => (value === undefined ? '-' : String(value))

const titles = ['CPU%', 'MEM', 'LIMIT', '', 'PIDS', 'IO/s', 'CPU!', 'MEM!', 'OOM'] as const
const widths = [7, 7, 7, barWidth + 3, 7, 7, 7, 7, 5] as const

function line({ id, now, cpu, io }: Row, nameWidth: number): string {
  const limit = now.limit === Infinity ? '-' : bytes(now.limit)
  const cells = [
    ...[percent(cpu), bytes(now.memory), limit, bar(now.memory, now.limit), count(now.pids), bytes(io)],
    ...[percent(now.cpuPressure), percent(now.memoryPressure), count(now.oom)],
  ]
  return columns(id, cells, nameWidth)
}

function columns(name: string, cells: readonly string[], nameWidth: number): string {
  const shown = name.length > nameWidth ? `${name.slice(0, nameWidth - 1)}+` : name.padEnd(nameWidth)
  return `${shown}${cells.map((cell, at) => cell.padStart(widths[at] ?? 8)).join('')}`
}

/** Lines above the rows and below them. */
export const frameLines = 3

/** The table for a terminal of this size: no line longer, no more lines. */
export function draw(rows: readonly Row[], all: number, look: Look, size: { columns: number; rows: number }): string[] {
  const nameWidth = Math.max(8, size.columns - widths.reduce((sum, width) => sum + width, 0))
  const filter = look.filter === '' && !look.typing ? '' : `, filter: ${look.filter}${look.typing ? '_' : ''}`
  const lines = [
    `${all} containers, sorted by ${look.sort}${look.reverse ? ', turned round' : ''}${filter}`,
    columns('CONTAINER', titles, nameWidth),
    ...rows.slice(0, Math.max(0, size.rows - frameLines)).map((row) => line(row, nameWidth)),
  ]
  while (lines.length < size.rows - 1) lines.push('')
  lines.push('c m p i o n: sort   r: turn round   /: filter   q: quit')
  return lines.slice(0, size.rows).map((text) => text.slice(0, size.columns))
}
