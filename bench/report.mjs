// What the bench has measured, as a table, as JSON and as a picture.
const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]

/** Median and the middle half of a list of numbers. */
export function summary(list) {
  const sorted = [...list].sort((one, other) => one - other)
  return { median: at(sorted, 0.5), low: at(sorted, 0.25), high: at(sorted, 0.75) }
}

const number = (value) => (value >= 100 ? value.toFixed(0) : value.toFixed(2))

/** A table: a row for each of `rows`, a column for each runtime, and how tsrun stands to each other one. */
export function table(title, rows, names) {
  const others = names.slice(1)
  const head = [title, ...names, ...others.map((name) => `${names[0]}/${name}`)]
  const lines = rows.map(({ name, values }) => [
    name,
    ...names.map((one) =>
      values[one] === undefined
        ? '–'
        : `${number(values[one].median)} (${number(values[one].low)}–${number(values[one].high)})`,
    ),
    ...others.map((one) =>
      values[one] === undefined || values[names[0]] === undefined
        ? '–'
        : (values[names[0]].median / values[one].median).toFixed(2),
    ),
  ])
  const widths = head.map((_, i) => Math.max(...[head, ...lines].map((line) => line[i].length)))
  return [head, ...lines]
    .map((line) =>
      line
        .map((cell, i) => cell.padEnd(widths[i]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Of the runtimes in pictures, tsrun's first. */
export const colours = ['#2563eb', '#9ca3af', '#d97706', '#059669', '#7c3aed']
/** Text as XML. */
export const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

/** Bars of the medians, a group for each row; `caption` are the lines below. */
export function picture(title, rows, names, caption) {
  const [left, width, bar, gap] = [110, 520, 14, 16]
  const most = Math.max(...rows.flatMap(({ values }) => names.map((name) => values[name]?.median ?? 0)))
  const parts = []
  let y = 58
  for (const { name, values } of rows) {
    const middle = y + (names.length * bar) / 2 + 4
    parts.push(`<text x="${left - 8}" y="${middle}" text-anchor="end">${escape(name)}</text>`)
    names.forEach((one, i) => {
      const value = values[one]?.median
      if (value === undefined) return
      const length = Math.max(1, (value / most) * width)
      parts.push(
        `<rect x="${left}" y="${y + i * bar}" width="${length.toFixed(1)}" height="${bar - 2}" fill="${colours[i]}"/>`,
      )
      parts.push(`<text x="${left + length + 6}" y="${y + i * bar + 10}" font-size="10">${number(value)}</text>`)
    })
    y += names.length * bar + gap
  }
  const legend = names.map(
    (name, i) =>
      `<rect x="${left + i * 110}" y="32" width="10" height="10" fill="${colours[i]}"/><text x="${left + i * 110 + 15}" y="41">${escape(name)}</text>`,
  )
  const lines = caption.map(
    (line, at) => `<text x="${left}" y="${y + 10 + 14 * at}" font-size="10" fill="#6b7280">${escape(line)}</text>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + width + 70}" height="${y + 10 + 14 * caption.length}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="${left}" y="20" font-size="14" font-weight="bold">${escape(title)}</text>
${[...legend, ...parts].join('\n')}
${lines.join('\n')}
</svg>
`
}
