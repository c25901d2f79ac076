/** Command line: the table of `tsrun top`, as lines of a terminal. Pure. */
import type { Gauge, Reading } from '../../core.js'
import type { Colour } from '../colours.js'

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

interface TableColumn {
  readonly title: string
  readonly width: number
  readonly cell: (row: Row) => string
}

/** From left to right. */
const tableColumns = {
  cpu: { title: 'CPU%', width: 7, cell: ({ cpu }) => percent(cpu) },
  memory: { title: 'MEM', width: 7, cell: ({ now }) => bytes(now.memory) },
  limit: { title: 'LIMIT', width: 7, cell: ({ now: { limit } }) => (limit === Infinity ? '-' : bytes(limit)) },
  bar: { title: '', width: barWidth + 3, cell: ({ now }) => bar(now.memory, now.limit) },
  pids: { title: 'PIDS', width: 7, cell: ({ now }) => count(now.pids) },
  io: { title: 'IO/s', width: 7, cell: ({ io }) => bytes(io) },
  cpuPressure: { title: 'CPU!', width: 7, cell: ({ now }) => percent(now.cpuPressure) },
  memoryPressure: { title: 'MEM!', width: 7, cell: ({ now }) => percent(now.memoryPressure) },
  oom: { title: 'OOM', width: 5, cell: ({ now }) => count(now.oom) },
} as const satisfies Readonly<Record<string, TableColumn>>

/** What a narrow terminal does without, the first of these first. */
const dispensable = ['bar', 'memoryPressure', 'cpuPressure', 'io', 'limit', 'oom', 'pids', 'memory'] as const

const narrowestName = 8

/** The columns that fit, and what they leave for the name. */
function fitting(columns: number): { shown: readonly TableColumn[]; nameWidth: number } {
  const without = new Set<string>()
  const shown = (): TableColumn[] =>
    Object.entries<TableColumn>(tableColumns).flatMap(([name, column]) => (without.has(name) ? [] : [column]))
  const left = (): number => columns - shown().reduce((sum, { width }) => sum + width, 0)
  for (const name of dispensable) if (left() < narrowestName) without.add(name)
  return { shown: shown(), nameWidth: Math.max(narrowestName, left()) }
}

function columnLine(name: string, cells: readonly string[], widths: readonly TableColumn[], nameWidth: number): string {
  const shown = name.length > nameWidth ? `${name.slice(0, nameWidth - 1)}+` : name.padEnd(nameWidth)
  return `${shown}${cells.map((cell, at) => cell.padStart(widths[at]?.width ?? 0)).join('')}`
}

/** Lines above the rows and below them. */
export const frameLines = 3

/** The table for a terminal of this size: no line longer, no more lines. */
export function draw(rows: readonly Row[], all: number, look: Look, size: { columns: number; rows: number }): string[] {
  const { shown, nameWidth } = fitting(size.columns)
  const line = (name: string, cells: readonly string[]): string => columnLine(name, cells, shown, nameWidth)
  const filter = look.filter === '' && !look.typing ? '' : `, filter: ${look.filter}${look.typing ? '_' : ''}`
  const lines = [
    `${all} ${all === 1 ? 'container' : 'containers'}, sorted by ${look.sort}${look.reverse ? ', turned round' : ''}${filter}`,
    line(
      'CONTAINER',
      shown.map(({ title }) => title),
    ),
    ...rows.slice(0, Math.max(0, size.rows - frameLines)).map((row) =>
      line(
        row.id,
        shown.map(({ cell }) => cell(row)),
      ),
    ),
  ]
  while (lines.length < size.rows - 1) lines.push('')
  lines.push('c m p i o n: sort   r: turn round   /: filter   q: quit')
  return lines.slice(0, size.rows).map((text) => text.slice(0, size.columns))
}

/** Part of its limit from which a container's memory is told in yellow, and in red. */
const [warm, hot] = [0.7, 0.9]

/** The lines of `draw` in colours. */
export function dress(lines: readonly string[], paint: (colour: Colour, text: string) => string): string[] {
  const bars = (line: string): string =>
    line.replace(/\[(#+)/, (_, full: string) => {
      const part = full.length / barWidth
      return `[${paint(part >= hot ? 'red' : part >= warm ? 'yellow' : 'green', full)}`
    })
  return lines.map((line, at) => {
    if (at === 0) return paint('bold', line)
    if (at === 1) return paint('reverse', line)
    return at === lines.length - 1 ? paint('dim', line) : bars(line)
  })
}
