/** Command line: a trace as one HTML page that needs nothing else: no script, no font, no network. Pure. */
import type { TraceEvent } from '../native/trace.js'

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Names and paths come out of a config: none of them may become markup. */
const escape = (text: string): string => text.replace(/[&<>"]/g, (character) => escapes[character] ?? '')

const style = `
body { font: 13px/1.5 system-ui, sans-serif; margin: 2em; color: #1d2330; background: #fff }
h1 { font-size: 1.3em } p { color: #566 }
.row { display: grid; grid-template-columns: 26em 7em 1fr; align-items: center; border-bottom: 1px solid #eef }
.row:hover { background: #f5f7fc }
.name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.name small { color: #789 }
.time { text-align: right; padding-right: 1em; font-variant-numeric: tabular-nums }
.lane { position: relative; height: 1.3em }
.bar { position: absolute; top: .2em; bottom: .2em; min-width: 2px; border-radius: 2px }
.command { background: #9aa5b8 } .native { background: #4a7fd4 } .javascript { background: #e3b341 } .init { background: #3aa76d }
.failed { background: #d64545 }
.legend span { display: inline-block; padding: 0 .6em; margin-right: .6em; border-radius: 2px; color: #fff }
`

const kinds: Readonly<Record<string, string>> = {
  command: 'a command',
  native: 'a call of tsrun',
  javascript: 'JavaScript between two calls',
  init: 'a step of tsrun-init',
}

/** The page: a row for each event in the order of their beginnings, with a bar at its time. */
export function tracePage(events: readonly TraceEvent[]): string {
  const start = Math.min(...events.map(({ ts }) => ts))
  const end = Math.max(...events.map(({ ts, dur }) => ts + dur))
  const rows = [...events].sort((one, other) => one.ts - other.ts || other.dur - one.dur)
  const title = events
    .filter(({ cat }) => cat === 'command')
    .map(({ name }) => name)
    .join(', ')
  const legend = Object.entries(kinds).map(([kind, words]) => `<span class="${kind}">${words}</span>`)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escape(title)}</title><style>${style}</style></head><body>
<h1>${escape(title)}</h1>
<p>${events.length} events in ${((end - start) / 1000).toFixed(3)} ms</p>
<p class="legend">${legend.join('')}</p>
${rows.map((event) => row(event, start, end - start || 1)).join('\n')}
</body></html>
`
}

function row({ name, cat, ts, dur, args }: TraceEvent, start: number, whole: number): string {
  const what = args.what === undefined ? '' : ` <small>${escape(String(args.what))}</small>`
  const failed = args.error === undefined ? '' : ' failed'
  const left = ((ts - start) / whole) * 100
  const hover = escape(
    `${name}: ${(dur / 1000).toFixed(3)} ms from ${((ts - start) / 1000).toFixed(3)} ms on ${JSON.stringify(args)}`,
  )
  const kind = Object.hasOwn(kinds, cat) ? cat : 'native'
  return (
    `<div class="row" title="${hover}"><div class="name">${escape(name)}${what}</div>` +
    `<div class="time">${(dur / 1000).toFixed(3)} ms</div><div class="lane">` +
    `<div class="bar ${kind}${failed}" style="left:${left.toFixed(3)}%;width:${((dur / whole) * 100).toFixed(3)}%"></div></div></div>`
  )
}
