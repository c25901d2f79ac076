// Draws docs/growth.svg from the table "How it grows" of docs/performance.md: a field for each row, a line for each runtime.
// usage: node bench/growth-picture.mjs
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, isMain, root, script } from '../scripts/process.mjs'
import { colours, escape } from './report.mjs'

const at = (name) => join(root, 'docs', name)
const cells = (line) =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())

/** `{ names, counts, rows }` of the table: a cell is `12 / 44 / 30`, in the order of the names in the sentence above it. */
export function readGrowth(text) {
  const [, section = ''] = text.split('## How it grows')
  const names = /\(([\w ]+(?: \/ [\w ]+)+)\)/.exec(section)?.[1]?.split(' / ') ?? []
  const lines = section
    .split('\n## ')[0]
    .split('\n')
    .filter((line) => line.startsWith('|'))
  const [head, , ...body] = lines.map(cells)
  if (names.length === 0 || body.length === 0) throw new Failure('docs/performance.md has no table "How it grows"')
  const counts = head.slice(1).map((cell) => Number(cell.replaceAll(',', '')))
  const rows = body.map(([kind, ...values]) => ({ kind, values: values.map((cell) => cell.split('/').map(Number)) }))
  const numbers = [...counts, ...rows.flatMap(({ values }) => values.flat())]
  if (!numbers.every(Number.isFinite) || rows.some(({ values }) => values.some((cell) => cell.length !== names.length)))
    throw new Failure('a cell of the table "How it grows" is not a number for each runtime')
  return { names, counts, rows }
}

const [width, height, left, top, gapX, gapY, columns] = [210, 120, 44, 60, 60, 60, 3]

/** The picture; the counts stand at equal distances, as on a logarithmic scale. */
export function growthPicture({ names, counts, rows }) {
  const most = Math.max(...rows.flatMap(({ values }) => values.flat()))
  const step = 10 ** Math.floor(Math.log10(most))
  const ticks = [0, step / 2, step].filter((value) => value <= most)
  const fields = rows.map(({ kind, values }, field) => {
    const x0 = left + (field % columns) * (width + gapX)
    const y0 = top + Math.floor(field / columns) * (height + gapY)
    const x = (i) => (x0 + (i / (counts.length - 1)) * width).toFixed(1)
    const y = (value) => (y0 + height - (value / most) * height).toFixed(1)
    const grid = ticks.map(
      (value) =>
        `<path d="M${x0} ${y(value)}H${x0 + width}" stroke="#e5e7eb"/><text x="${x0 - 6}" y="${Number(y(value)) + 3}" font-size="9" text-anchor="end">${value}</text>`,
    )
    const marks = counts.map(
      (count, i) =>
        `<text x="${x(i)}" y="${y0 + height + 14}" font-size="9" text-anchor="middle">${count.toLocaleString('en')}</text>`,
    )
    const lines = names.map((_, one) => {
      const points = values.map((cell, i) => `${x(i)},${y(cell[one])}`)
      const dots = points.map(
        (point) => `<circle cx="${point.split(',')[0]}" cy="${point.split(',')[1]}" r="2.5" fill="${colours[one]}"/>`,
      )
      return `<polyline points="${points.join(' ')}" fill="none" stroke="${colours[one]}" stroke-width="2"/>${dots.join('')}`
    })
    return [
      `<text x="${x0}" y="${y0 - 8}" font-weight="bold">${escape(kind)}</text>`,
      ...grid,
      ...marks,
      ...lines.reverse(),
    ].join('\n')
  })
  const legend = names.map(
    (name, i) =>
      `<rect x="${left + 330 + i * 90}" y="10" width="10" height="10" fill="${colours[i]}"/><text x="${left + 345 + i * 90}" y="19">${escape(name)}</text>`,
  )
  const whole = left + columns * (width + gapX)
  const high = top + Math.ceil(rows.length / columns) * (height + gapY)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${whole} ${high}" width="${whole}" font-family="sans-serif" font-size="12" role="img" aria-label="How the time of run grows">
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="${left}" y="20" font-size="14" font-weight="bold">Milliseconds of one run, with so many</text>
${[...legend, ...fields].join('\n')}
</svg>
`
}

/** With `check`, only says that the picture is old. @throws Failure */
export function updateGrowthPicture({ check }) {
  const picture = growthPicture(readGrowth(readFileSync(at('performance.md'), 'utf8')))
  if (readFileSync(at('growth.svg'), { encoding: 'utf8', flag: 'a+' }) === picture) return
  if (check)
    throw new Failure('docs/growth.svg is not what docs/performance.md says: run node bench/growth-picture.mjs')
  writeFileSync(at('growth.svg'), picture)
}

if (isMain(import.meta.url)) await script(() => updateGrowthPicture({ check: false }))
