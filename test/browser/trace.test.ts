/** `tsrun trace FILE --html`: what a person sees of the page. */
import { readFileSync, writeFileSync } from 'node:fs'
import { openPage } from '../helpers/browser.js'
import { testWith } from '../helpers/test.js'

const test = testWith('tsrun', 'browser')

interface Event {
  readonly name: string
  readonly cat: string
  readonly ts: number
  readonly dur: number
}

interface Row {
  readonly text: string
  readonly lane: { readonly x: number; readonly width: number }
  readonly bar: { readonly x: number; readonly width: number; readonly height: number }
}

/** In the page: where each row has its bar, in pixels. */
const measure = `[...document.querySelectorAll('.row')].map((row) => ({
  text: row.innerText,
  lane: row.querySelector('.lane').getBoundingClientRect().toJSON(),
  bar: row.querySelector('.bar').getBoundingClientRect().toJSON(),
}))`

test('the page draws a bar for each event of the file, at its time and as long as it took', async (t, scope) => {
  const container = scope.container((config) => void (config.process.args = ['/bin/true']))
  const [file, html] = [scope.path('trace.json'), scope.path('trace.html')]
  t.match(container.run(['--trace', file]), { status: 0, stderr: '' })
  t.match(scope.runtime(['trace', file, '--html', html]), { status: 0, stderr: '' })
  const { traceEvents: events } = JSON.parse(readFileSync(file, 'utf8')) as { traceEvents: Event[] }
  const { browser, page, errors } = await openPage(`file://${html}`)
  try {
    t.equal(await page.title(), 'tsrun run')
    const start = Math.min(...events.map(({ ts }) => ts))
    const whole = Math.max(...events.map(({ ts, dur }) => ts + dur)) - start
    const order = [...events].sort((one, other) => one.ts - other.ts || other.dur - one.dur)
    const rows = await page.evaluate<Row[]>(measure)
    t.equal(rows.length, events.length)
    for (const [at, { text, bar, lane }] of rows.entries()) {
      const event = order[at]!
      const about = `${event.name} at ${event.ts - start} µs for ${event.dur} µs`
      t.ok(text.startsWith(event.name) && text.includes(`${(event.dur / 1000).toFixed(3)} ms`), `${about}: ${text}`)
      const left = lane.x + ((event.ts - start) / whole) * lane.width
      const width = Math.max(2, (event.dur / whole) * lane.width)
      t.ok(Math.abs(bar.x - left) < 0.1 && Math.abs(bar.width - width) < 0.1 && bar.height > 5, about)
      t.ok(bar.x + bar.width <= 1282, 'it is on the page')
    }
    t.equal(await page.locator('.over .mark').count(), events.filter(({ cat }) => cat !== 'command').length)
    t.same(errors, [])
  } finally {
    await browser.close()
  }
})

test('a name in a trace is never markup', async (t, scope) => {
  const [file, html] = [scope.path('trace.json'), scope.path('trace.html')]
  const evil = '<img src=x onerror="document.title=1"><b>one'
  const event = { name: evil, cat: 'command', ph: 'X', ts: 1e15, dur: 1000, pid: 1, tid: 1, args: { what: `"${evil}` } }
  writeFileSync(file, JSON.stringify({ traceEvents: [event] }))
  t.match(scope.runtime(['trace', file, '--html', html]), { status: 0, stderr: '' })
  const { browser, page } = await openPage(`file://${html}`)
  try {
    t.equal(await page.title(), evil)
    t.match(await page.locator('.name').innerText(), evil)
    t.equal(await page.locator('img, b').count(), 0)
  } finally {
    await browser.close()
  }
})
