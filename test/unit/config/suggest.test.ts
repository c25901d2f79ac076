import t from 'tap'
import { nearest } from '#dist/config/suggest.js'

t.test('the known name that is nearest is meant, when it is near', async (t) => {
  const known = ['root', 'onWarning', 'timeout', 'stdio', 'memory']
  for (const [name, meant] of [
    ['rot', 'root'],
    ['rooot', 'root'],
    ['onwarning', 'onWarning'],
    ['time_out', 'timeout'],
    ['sdtio', 'stdio'],
    ['memroy', 'memory'],
    ['bundle', undefined],
    ['x', undefined],
    ['most', undefined],
  ] as const)
    t.equal(nearest(name, known), meant, name)
})
