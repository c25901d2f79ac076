/** `tsrun trace`. */
import { UsageError } from '../../core.js'
import { replaceFile } from '../../native/binding.js'
import type { TraceEvent } from '../../native/trace.js'
import { defineCommand } from '../command.js'
import { readTrace } from '../trace.js'

/** Makes a page of a trace, or prints its steps. */
export const command = defineCommand({
  name: 'trace',
  description:
    'Prints what --trace has written, in order: begin and duration in milliseconds, who (tsrun or tsrun-init), and what. ' +
    'With --html it becomes a page with a waterfall, one file that needs nothing else.',
  options: [
    { name: 'html', kind: 'string', value: 'FILE', description: 'write a page with the waterfall to this file' },
  ],
  arguments: ['<file>'],
  async run({ options: { html }, args: [file], context }) {
    const events = readTrace(file)
    if (events === undefined) throw new UsageError(`there is no file ${JSON.stringify(file)}`)
    if (html === undefined) context.print(format(events))
    else replaceFile(html, (await import('../trace-page.js')).tracePage(events), 0o644)
    return 0
  },
})

function format(events: readonly TraceEvent[]): string {
  const start = Math.min(...events.map(({ ts }) => ts))
  const ms = (micros: number): string => (micros / 1000).toFixed(3).padStart(10)
  const rows = [...events].sort((one, other) => one.ts - other.ts || other.dur - one.dur)
  return rows
    .map(({ ts, dur, tid, name, args }) => {
      const what = args.what === undefined ? '' : ` ${String(args.what)}`
      return `${ms(ts - start)} ${ms(dur)}  ${tid === 1 ? 'tsrun     ' : 'tsrun-init'}  ${name}${what}\n`
    })
    .join('')
}
