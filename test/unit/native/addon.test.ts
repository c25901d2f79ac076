/** The loader takes only an addon whose wires are those of this build. */
import t from 'tap'
import { UnsupportedError } from '#dist/errors.js'
import { addonOf } from '#dist/native/addon.js'
import { functionTable, libraryTable } from '#dist/native/addon-table.js'
import { wireHash } from '#dist/plan/wire-hash.js'

const functions = Object.fromEntries(Object.keys(functionTable).map((name) => [name, () => name]))

t.test('an addon of this build is taken with all its functions', (t) => {
  const addon = addonOf({ ...functions, wireHash }, '/lib/tsrun.node')
  t.same(Object.keys(addon), Object.keys(functionTable))
  t.equal(addon.seccompVersion(), 'seccompVersion')
  t.end()
})

t.test('every argument of a function reaches it, the last one too', (t) => {
  const all = { ...functionTable, ...libraryTable }
  const echo = Object.fromEntries(Object.keys(all).map((name) => [name, (...args: unknown[]) => args]))
  const addon = addonOf({ ...echo, wireHash }, '/lib/tsrun.node') as unknown as Record<
    string,
    (...args: unknown[]) => unknown[]
  >
  for (const [name, { args }] of Object.entries(all)) t.same(addon[name]?.(...args).slice(0, args.length), args, name)
  t.end()
})

t.test('an addon of another build is refused, with its path', (t) => {
  for (const exports of [
    { ...functions, wireHash: wireHash ^ 1 },
    { ...functions, wireHash: `${wireHash}` },
    functions,
  ])
    t.throws(() => addonOf(exports, '/lib/tsrun.node'), UnsupportedError)
  t.throws(() => addonOf(functions, '/lib/tsrun.node'), { message: /^\/lib\/tsrun\.node belongs to another build/ })
  t.end()
})
