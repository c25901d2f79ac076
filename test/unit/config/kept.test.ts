/** What is made of texts is kept for a program that says so, and for no command. */
import t from 'tap'
import { Kept, keepTexts } from '#dist/config/kept.js'
import { loadConfig } from '#dist/config/load.js'

const text = JSON.stringify({ ociVersion: '1.2.0', root: { path: 'r' }, process: { cwd: '/', args: ['sh'] } })

t.test('what was made of the last texts is there, once a program keeps any', async (t) => {
  const kept = new Kept<object>()
  const made = { of: 'a' }
  t.equal(kept.keep('a', made), made)
  t.equal(kept.get('a'), undefined)
  t.not(await loadConfig(text), await loadConfig(text))
  keepTexts()
  kept.keep('a', made)
  t.equal(kept.get('a'), made)
  t.equal(await loadConfig(text), await loadConfig(text))
  for (let one = 0; one < 16; one++) kept.keep(`${one}`, { one })
  t.equal(kept.get('a'), undefined, 'the oldest goes')
  t.same(kept.get('15'), { one: 15 })
  const long = 'x'.repeat((1 << 18) + 1)
  kept.keep(long, made)
  t.equal(kept.get(long), undefined, 'nor is a long one kept')
})
