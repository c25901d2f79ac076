/** docs/conformance.md has every member of the config schema, and says what is so. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const script = fileURLToPath(new URL('../../../scripts/conformance.mjs', import.meta.url))

t.test('every member of the schema has a line with a test, and the table is up to date', async (t) => {
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' })
  t.equal(stderr, '')
  t.equal(status, 0)
})
