/** The table of `tsrun top`, and what keys do to it. */
import t from 'tap'
import { press } from '#dist/cli/top/keys.js'
import { arrange, bytes, draw, dress, type Look, type Row } from '#dist/cli/top/table.js'

const look: Look = { sort: 'cpu', reverse: false, filter: '', typing: false }
const rows: Row[] = [
  {
    id: 'db',
    now: { memory: 300_000_000, limit: 400_000_000, pids: 9, oom: 2, memoryPressure: 12.5 },
    cpu: 5,
    io: 2048,
  },
  { id: 'web', now: { memory: 1024, limit: Infinity, pids: 1, oom: 0 }, cpu: 150 },
  { id: 'new', now: { memory: 4096, pids: 3 } },
]
const ids = (of: Partial<Look>) => arrange(rows, { ...look, ...of }).map(({ id }) => id)

t.test('rows are sorted, turned round and filtered', async (t) => {
  t.same(ids({}), ['web', 'db', 'new'])
  t.same(ids({ sort: 'memory' }), ['db', 'new', 'web'])
  t.same(ids({ sort: 'oom' }), ['db', 'web', 'new'])
  t.same(ids({ sort: 'id' }), ['db', 'new', 'web'])
  t.same(ids({ sort: 'id', reverse: true }), ['web', 'new', 'db'])
  t.same(ids({ filter: 'e' }), ['web', 'new'])
})

t.test('keys sort, turn round, filter and quit; while the filter is typed all keys are its letters', async (t) => {
  t.same(press(look, 'm'), { ...look, sort: 'memory' })
  t.same(press(look, 'rx'), { ...look, reverse: true })
  t.same(press(look, '/qm'), { ...look, filter: 'qm', typing: true })
  t.same(press(look, '/qm\x7f\r'), { ...look, filter: 'q' })
  t.same(press(look, '/q\x1b'), look)
  t.equal(press(look, '/a\rq'), 'quit')
})

t.test('the table fits the terminal, whatever its size', async (t) => {
  const lines = draw(arrange(rows, look), 3, look, { columns: 100, rows: 10 })
  t.equal(lines.length, 10)
  t.match(lines[2], /^web +150\.0 +1\.0K +- {14} +1 +- +- +- +0$/)
  t.match(lines[3], /^db +5\.0 +286M +381M +\[########\.\.\] +9 +2\.0K +- +12\.5 +2$/)
  for (const size of [
    { columns: 20, rows: 3 },
    { columns: 1, rows: 1 },
  ]) {
    const small = draw(rows, 3, look, size)
    t.ok(small.length <= size.rows && small.every((line) => line.length <= size.columns))
  }
})

t.test('a narrow terminal has whole columns, the most wanted ones', async (t) => {
  const header = (columns: number) => draw(rows, 3, look, { columns, rows: 6 })[1]?.trim().split(/ +/)
  t.same(header(80), ['CONTAINER', 'CPU%', 'MEM', 'LIMIT', 'PIDS', 'IO/s', 'CPU!', 'MEM!', 'OOM'])
  t.same(header(60), ['CONTAINER', 'CPU%', 'MEM', 'LIMIT', 'PIDS', 'IO/s', 'CPU!', 'OOM'])
  t.same(header(40), ['CONTAINER', 'CPU%', 'MEM', 'PIDS', 'OOM'])
  t.same(header(20), ['CONTAINER', 'CPU%'])
})

t.test('a bar is green, yellow or red, and nothing else of a line changes', async (t) => {
  const lines = draw(arrange(rows, look), 3, look, { columns: 100, rows: 6 })
  const dressed = dress(lines, (colour, text) => `<${colour}>${text}</>`)
  t.match(dressed[3], '[<yellow>########</>..]')
  t.same(
    dressed.map((line) => line.replace(/<[^>]*>/g, '')),
    lines,
  )
})

t.test('bytes are told in five characters', async (t) => {
  t.same([0, 999, 1024, 1_500_000, 2 ** 40].map(bytes), ['0B', '999B', '1.0K', '1.4M', '1.0T'])
  t.equal(bytes(undefined), '-')
})
