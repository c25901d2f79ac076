import t from 'tap'
import { describeRanges, missingRanges, parseSubordinateIds } from '#dist/plan/subordinate-ids.js'

t.test('the ranges of a user are read, by name and by number', (t) => {
  const text = '# comment\nalice:100000:65536\nbob:1:2\n1000:300000:10\nalice:x:1\n\n'
  t.strictSame(parseSubordinateIds(text, ['alice', '1000']), [
    { first: 100000, size: 65536 },
    { first: 300000, size: 10 },
  ])
  t.strictSame(parseSubordinateIds(text, ['carol']), [])
  t.end()
})

t.test('what is missing of a range is what no other has', (t) => {
  const wanted = [{ first: 10, size: 10 }]
  const missing = (...given: [number, number][]) =>
    describeRanges(
      missingRanges(
        wanted,
        given.map(([first, size]) => ({ first, size })),
      ),
    )
  t.equal(missing(), '10-19')
  t.equal(missing([0, 5], [30, 5]), '10-19')
  t.equal(missing([10, 10]), '')
  t.equal(missing([0, 100]), '')
  t.equal(missing([5, 6]), '11-19')
  t.equal(missing([18, 9]), '10-17')
  t.equal(missing([12, 3]), '10-11, 15-19')
  t.equal(missing([10, 5], [15, 4]), '19')
  t.equal(missing([20, 5], [0, 10]), '10-19')
  t.end()
})
