/** Command line: a trace as one HTML page that needs nothing else: no script, no font, no network. Pure. */
import type { TraceEvent } from '../native/trace.js'

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Names and paths come out of a config: none of them may become markup. */
const escape = (text: string): string => text.replace(/[&<>"]/g, (character) => escapes[character] ?? '')

const style = `
body { font: 13px/1.5 system-ui, sans-serif; margin: 2em; color: #1d2330; background: #fff }
h1 { font-size: 1.3em } p { color: #566 }
header { position: sticky; top: 0; background: #fff; border-bottom: 2px solid #dde; padding: .5em 0; z-index: 1 }
.over, .row { display: grid; align-items: center; border-bottom: 1px solid #eef }
.over { grid-template-columns: 7em 1fr }
.over .lane { height: 2.4em }
.row { grid-template-columns: 26em 7em 1fr }
.row:hover { background: #f5f7fc }
.name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.name small { color: #789 }
.time { text-align: right; white-space: nowrap; padding-right: 1em; font-variant-numeric: tabular-nums }
.lane { position: relative; height: 1.3em; background: repeating-linear-gradient(to right, #e3e7f0 0 1px, transparent 1px 10%) }
.bar, .mark { position: absolute; top: .2em; bottom: .2em; border-radius: 2px }
.bar { min-width: 2px }
.mark { min-width: 1px; overflow: hidden; white-space: nowrap; font-size: 11px; line-height: 2em; color: #fff; box-shadow: inset 1px 0 #fff9 }
.mark.javascript { color: #1d2330 }
.axis { position: relative; height: 1.5em; color: #566; font-variant-numeric: tabular-nums }
.axis span { position: absolute; white-space: nowrap; transform: translateX(-50%) }
.axis span:first-child { transform: none } .axis span:last-child { transform: translateX(-100%) }
.command { background: #9aa5b8 } .native { background: #4a7fd4 } .javascript { background: #e3b341 } .init { background: #3aa76d }
.failed { background: #d64545 }
.legend span { display: inline-block; padding: 0 .6em; margin-right: .6em; border-radius: 2px; color: #fff }
.legend .javascript { color: #1d2330 }
@media (max-width: 60em) { .row { grid-template-columns: 16em 7em 1fr } }
`

const kinds: Readonly<Record<string, string>> = {
  command: 'a command',
  native: 'a call of tsrun',
  javascript: 'JavaScript between two calls',
  init: 'a step of tsrun-init',
}

/** The page: all on one line for each process, then a row for each event in the order of their beginnings. */
export function tracePage(events: readonly TraceEvent[]): string {
  const start = Math.min(...events.map(({ ts }) => ts))
  const whole = Math.max(...events.map(({ ts, dur }) => ts + dur)) - start || 1
  const rows = [...events].sort((one, other) => one.ts - other.ts || other.dur - one.dur)
  const title = events
    .filter(({ cat }) => cat === 'command')
    .map(({ name }) => name)
    .join(', ')
  const legend = [...Object.entries(kinds), ['failed', 'failed']].map(
    ([kind, words]) => `<span class="${kind}">${words}</span>`,
  )
  const steps = rows.filter(({ cat }) => cat !== 'command')
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escape(title)}</title><style>${style}</style></head><body>
<h1>${escape(title)}</h1>
<p>${events.length} events in ${milliseconds(whole)}</p>
<p class="legend">${legend.join('')}</p>
<header>
${overview('tsrun', 1, steps, { start, whole })}
${overview('tsrun-init', 2, steps, { start, whole })}
<div class="over"><div></div><div class="axis">${axis(whole)}</div></div>
</header>
${rows.map((event) => row(event, { start, whole })).join('\n')}
</body></html>
`
}

interface Span {
  readonly start: number
  readonly whole: number
}

/** Part of the whole time from which a step has its name in the line of its process. */
const roomForName = 0.06

const milliseconds = (micros: number): string => `${(micros / 1000).toFixed(3)} ms`

const axis = (whole: number): string =>
  [0, 2, 4, 6, 8, 10]
    .map((tenths) => `<span style="left:${tenths * 10}%">${((whole * tenths) / 10_000).toFixed(1)} ms</span>`)
    .join('')

/** The steps of one process side by side. */
function overview(words: string, process: number, steps: readonly TraceEvent[], span: Span): string {
  const marks = steps.filter(({ tid }) => tid === process).map((event) => bar('mark', event, span))
  return `<div class="over"><div>${words}</div><div class="lane">${marks.join('')}</div></div>`
}

function bar(kind: 'bar' | 'mark', event: TraceEvent, { start, whole }: Span): string {
  const { name, cat, ts, dur, args } = event
  const failed = args.error === undefined ? '' : ' failed'
  const colour = Object.hasOwn(kinds, cat) ? cat : 'native'
  const hover = `${name}: ${milliseconds(dur)} from ${milliseconds(ts - start)} on ${JSON.stringify(args)}`
  const place = `left:${(((ts - start) / whole) * 100).toFixed(3)}%;width:${((dur / whole) * 100).toFixed(3)}%`
  return `<div class="${kind} ${colour}${failed}" title="${escape(hover)}" style="${place}">${kind === 'mark' && dur > whole * roomForName ? escape(name) : ''}</div>`
}

function row(event: TraceEvent, span: Span): string {
  const { name, dur, args } = event
  const what = args.what === undefined ? '' : ` <small>${escape(String(args.what))}</small>`
  return (
    `<div class="row"><div class="name">${escape(name)}${what}</div>` +
    `<div class="time">${milliseconds(dur)}</div><div class="lane">${bar('bar', event, span)}</div></div>`
  )
}
