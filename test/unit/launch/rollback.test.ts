/** What is undone when a create fails. */
import t from 'tap'
import { StoreError } from '#dist/errors.js'
import { Rollback } from '#dist/launch/rollback.js'

t.test('everything is undone, the last step first, and what fails is told beside the error', async (t) => {
  const rollback = new Rollback()
  const undone: string[] = []
  const another = new Error('busy')
  rollback.add(() => void undone.push('directory'))
  rollback.add(() => {
    throw another
  })
  rollback.add(async () => {
    await Promise.resolve()
    undone.push('process')
  })
  const error = new StoreError('no space', '/x')
  await rollback.run(error)
  t.same(undone, ['process', 'directory'])
  t.same(error.suppressed, [another])
  t.equal(error.message, 'no space')
  await rollback.run(error)
})
