/** Columns of `tsrun list`. */
import t from 'tap'
import { formatTable } from '#dist/cli/table.js'

t.test('columns are at least twelve wide, three apart, and the last is not padded', async (t) => {
  const header = ['ID', 'PID', 'BUNDLE', 'OWNER']
  t.equal(formatTable([header]), 'ID          PID         BUNDLE      OWNER\n')
  t.equal(
    formatTable([header, ['a-rather-long-id', '1', '/b', 'root']]),
    'ID                 PID         BUNDLE      OWNER\n' + 'a-rather-long-id   1           /b          root\n',
  )
})
