/** Command line: `--trace FILE`: runs a command and adds its events to the file. */
import { UsageError } from '../core.js'
import { readFileIfAny, replaceFile } from '../native/binding.js'
import { startTrace, type TraceEvent } from '../native/trace.js'

/** Runs a command and writes what has happened, also when it fails. @throws UsageError when the file is no trace */
export async function traced(file: string, command: string, run: () => Promise<number>): Promise<number> {
  const before = readTrace(file) ?? []
  const tracer = startTrace(command)
  let status: number | undefined
  try {
    status = await run()
    return status
  } finally {
    const events = [...before, ...tracer.finish(status)]
    replaceFile(file, `${JSON.stringify({ traceEvents: events, displayTimeUnit: 'ms' })}\n`, 0o644)
  }
}

/** The events of a file, undefined where there is none. @throws UsageError when it is no trace */
export function readTrace(file: string): TraceEvent[] | undefined {
  const text = readFileIfAny(file)
  if (text === undefined) return undefined
  try {
    const { traceEvents } = JSON.parse(text) as { traceEvents: TraceEvent[] }
    if (Array.isArray(traceEvents)) return traceEvents
  } catch {
    // Told below.
  }
  throw new UsageError(`${JSON.stringify(file)} is not a trace of tsrun`)
}
