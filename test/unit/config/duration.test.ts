/** Durations as Go writes them. */
import t from 'tap'
import { parseDuration } from '#dist/config/duration.js'

t.test('numbers with units add up to milliseconds', async (t) => {
  const durations = {
    ...{ '5s': 5000, '1m30s': 90_000, '1.5h': 5_400_000, '100ms': 100, '0': 0, '+2s': 2000, '-1s': -1000 },
    ...{ '.5s': 500, '1.s': 1000, '250us': 0.25, '250µs': 0.25, '1000000ns': 1, '1h1m1s1ms': 3_661_001 },
  }
  for (const [text, milliseconds] of Object.entries(durations)) t.equal(parseDuration('d', text), milliseconds, text)
})

t.test('anything else is an error in Go’s words', async (t) => {
  for (const text of ['', '5', 's', '5 s', '5x', '1s2', '--1s', '1s-2s', '.s', '1e3s', '٣s']) {
    const message = `invalid value ${JSON.stringify(text)} for flag -interval: parse error`
    t.throws(() => parseDuration('interval', text), { code: 'ERR_TSRUN_USAGE', message }, text)
  }
})
