import t from 'tap'
import { beginWithinBatch } from '#dist/plan/resources/small-memory.js'
import type { CgroupWrite, ResourcePlan } from '#dist/plan/resources/types.js'

const plan = (...writes: CgroupWrite[]): ResourcePlan => ({ controllers: [], wanted: [], writes, late: [] })
const limit = (value: number, file = 'memory.max'): CgroupWrite => ({ hierarchy: '', file, value: String(value) })

t.test('a limit of few batches takes effect at created; until then it is less than one', (t) => {
  for (const file of ['memory.max', 'memory.limit_in_bytes']) {
    const swap = limit(300000, 'memory.memsw.limit_in_bytes')
    const { writes, late } = beginWithinBatch(plan(limit(262144, file), swap))
    t.strictSame(writes, [limit(258048, file), swap])
    t.strictSame(late, [limit(262144, file)])
  }
  t.end()
})

t.test('limits below a batch, and those with room for many, are left alone', (t) => {
  for (const value of ['258048', '1048576', 'max', '-1']) {
    const given = plan({ hierarchy: '', file: 'memory.max', value })
    t.equal(beginWithinBatch(given), given)
  }
  const other = plan(limit(262144, 'memory.high'))
  t.equal(beginWithinBatch(other), other)
  t.end()
})
