/** The table of ps. */
import t from 'tap'
import { filterTable } from '#dist/cli/commands/ps.js'

const table = `UID          PID    PPID  C STIME TTY          TIME CMD
root           1       0  0 06:12 ?        00:00:01 init
root          17       1  0 06:12 ?        00:00:00 sh -c 18 x
root          18      17  0 06:12 ?        00:00:00 sleep 17
`

t.test('only the lines of the pids are left, below the headline', async (t) => {
  const lines = table.split('\n')
  t.equal(filterTable(table, [17, 18]), [lines[0], lines[2], lines[3], ''].join('\n'))
  t.equal(filterTable(table, []), `${lines[0]}\n`)
})

t.test('the column of the pid may be anywhere', async (t) => {
  t.equal(filterTable('RSS PID\n 4 1\n 8 2\n', [2]), 'RSS PID\n 8 2\n')
})

t.test('a table without pids is an error', async (t) => {
  t.throws(() => filterTable('CMD\nsleep\n', [1]), { message: "couldn't find PID field in ps output" })
  t.throws(() => filterTable('', [1]), { message: "couldn't find PID field in ps output" })
  t.throws(() => filterTable('PID CMD\nx y\n', [1]), { message: 'unable to parse pid: "x"' })
})
