/** Stage 1, config: signals by name, as signal(7) numbers them on x86-64 and arm64. */
import { UsageError } from '../errors.js'

/** Signals 1 to 31 in the order of their numbers. */
const names =
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU ' +
  'URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS'

/** The same as a list. */
export const signalNames: readonly string[] = names.split(' ')

const synonyms: Readonly<Record<string, string>> = { IOT: 'ABRT', CLD: 'CHLD', POLL: 'IO' }

/** First and last real-time signal for programs; the C library keeps 32 and 33 for itself. */
const realTime = { min: 34, max: 64 } as const

/**
 * The number (0 to 64) of a signal given as a number or a name: `9`, `KILL`, `SIGKILL`, `sigkill`,
 * `SIGRTMIN+3`, `RTMAX-1`. 0 sends nothing, it only checks.
 *
 * @throws UsageError `unknown signal "X"`.
 */
export function parseSignal(text: string): number {
  const name = text.toUpperCase()
  const number = /^[0-9]{1,2}$/.test(text) ? Number(text) : numberOf(name.startsWith('SIG') ? name.slice(3) : name)
  if (number === undefined || number > realTime.max) throw new UsageError(`unknown signal ${JSON.stringify(text)}`)
  return number
}

function numberOf(name: string): number | undefined {
  const place = signalNames.indexOf(synonyms[name] ?? name)
  return place >= 0 ? place + 1 : realTimeNumber(name)
}

function realTimeNumber(name: string): number | undefined {
  const [, base, offset = '0'] = /^(RTMIN|RTMAX)(?:([+-][0-9]{1,2}))?$/.exec(name) ?? []
  if (base === undefined) return undefined
  const number = (base === 'RTMIN' ? realTime.min : realTime.max) + Number(offset)
  return number >= realTime.min && number <= realTime.max ? number : undefined
}
