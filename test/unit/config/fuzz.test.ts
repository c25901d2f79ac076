import t from 'tap'
import { fuzzConfig } from '../../helpers/fuzz-config.js'

t.test('random documents are loaded and planned, or refused by an error of tsrun', async (t) => {
  const { refused, unplanned, planned, wrong } = await fuzzConfig(1, 2000)
  t.same(wrong, [])
  t.comment(`${refused} refused, ${unplanned} not planned, ${planned} planned`)
  t.ok(refused > 100 && planned > 50, `some of each: ${refused}, ${unplanned}, ${planned}`)
})
