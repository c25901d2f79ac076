/** Command line: text in columns, laid out as by Go's tabwriter with runc's settings. Pure. */

/** Narrowest column and smallest distance to the next one, in characters. */
const layout = { width: 12, padding: 3 } as const

/** Rows under each other, all of the same length; the last cell of a row is not padded. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) {
    for (let column = 0; column < row.length - 1; column++) {
      widths[column] = Math.max(widths[column] ?? layout.width, (row[column] ?? '').length + layout.padding)
    }
  }
  const line = (row: readonly string[]): string => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('')
  return rows.map((row) => `${line(row)}\n`).join('')
}
