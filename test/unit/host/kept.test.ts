/** Facts about the host are kept for a program that says so, and for no command. */
import t from 'tap'
import { keepFacts, lasting, untilMounts } from '#dist/host/kept.js'

t.test('facts are found anew until they are kept; those about mounts again when there are others', (t) => {
  let found = 0
  const find = (): number => ++found
  const [stays, mounts, others] = [lasting(find), untilMounts(find), untilMounts(find)]
  t.same([stays(), stays(), mounts(), mounts()], [1, 2, 3, 4])
  let isChanged = true
  keepFacts(() => {
    const changed = isChanged
    isChanged = false
    return changed
  })
  t.same([stays(), mounts(), others()], [5, 6, 7])
  t.same([stays(), mounts(), others()], [5, 6, 7])
  isChanged = true
  // The kernel says it once: whoever hears of it hears it for all.
  t.same([mounts(), mounts(), others(), others(), stays()], [8, 8, 9, 9, 5])
  t.end()
})

t.test('what cannot be found is looked for again', (t) => {
  let isThere = false
  const fact = lasting(() => {
    if (!isThere) throw new Error('not yet')
    return 'there'
  })
  t.throws(fact, { message: 'not yet' })
  isThere = true
  t.equal(fact(), 'there')
  t.end()
})
