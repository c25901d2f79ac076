/** Command line: what is said about an error: its line on stderr, and its record in the log. */
import { isTsrunError, messageChain } from '../core.js'
import type { CommandSpec } from './command.js'

/** What there is to say about one error. */
export interface Report {
  /** One line without control characters and without the program's name in front. */
  readonly message: string
  /** Members of the log record beside the message: code, step, errno. */
  readonly fields: Readonly<Record<string, unknown>>
  readonly hint?: string
  /** What else went wrong while cleaning up, one line each. */
  readonly suppressed: readonly string[]
  /** Stack traces of the error and its causes. */
  readonly stack: string
}

/** Codes of errors that mean that the process in the container couldn't be started. */
const processCodes: ReadonlySet<string> = new Set(['ERR_TSRUN_SYSCALL', 'ERR_TSRUN_HOOK', 'ERR_TSRUN_PROTOCOL'])

/** Collects what there is to say about an error of the command, if it got as far as to have one; `guess` at what was meant. */
export function describeError(
  error: unknown,
  command?: Pick<CommandSpec, 'name' | 'startsProcess'>,
  guess?: string,
): Report {
  const chain = causesOf(error)
  const known = isTsrunError(error)
  const hint = known
    ? (guess ?? (member(chain, 'hint') as string | undefined))
    : 'this is a bug in tsrun; --debug prints where it happened'
  return {
    message: oneLine(`${prefixFor(error, command)}${messageChain(error)}`),
    fields: {
      ...(known ? { code: error.code } : {}),
      ...present('step', member(chain, 'step')),
      ...present('errno', member(chain, 'errno')),
    },
    suppressed: known ? error.suppressed.map((other) => oneLine(messageChain(other))) : [],
    stack: chain.map((at) => at.stack ?? '').join('\n'),
    ...(hint === undefined ? {} : { hint: oneLine(hint) }),
  }
}

/** The text for stderr: the error's line, then what was met while cleaning up, then the hint. */
export function formatReport(report: Report, options: { readonly debug: boolean }): string {
  const lines = [report.message.startsWith('tsrun ') ? report.message : `tsrun: ${report.message}`]
  for (const message of report.suppressed) lines.push(`also failed while cleaning up: ${message}`)
  if (report.hint !== undefined) lines.push(`hint: ${report.hint}`)
  if (options.debug) lines.push(report.stack)
  return `${lines.join('\n')}\n`
}

/** Callers of runc look for these words. */
function prefixFor(error: unknown, command: Pick<CommandSpec, 'name' | 'startsProcess'> | undefined): string {
  if (!isTsrunError(error)) return 'internal error: '
  if (command?.startsProcess !== true || !processCodes.has(error.code)) return ''
  return `tsrun ${command.name} failed: unable to start container process: `
}

function causesOf(error: unknown): Error[] {
  const chain: Error[] = []
  for (let at = error; at instanceof Error; at = at.cause) chain.push(at)
  return chain
}

/** The member of the outermost error that has it. */
function member(chain: readonly object[], name: string): unknown {
  return chain.map((at) => (at as Readonly<Record<string, unknown>>)[name]).find((value) => value !== undefined)
}

function present(name: string, value: unknown): Readonly<Record<string, unknown>> {
  return value === undefined ? {} : { [name]: value }
}

/** Control characters escaped: texts of a config or of a hook must not forge lines or drive a terminal. */
export function oneLine(text: string): string {
  return text.trim().replace(/\p{Cc}/gu, (character) => {
    const code = character.charCodeAt(0)
    return code === 10 ? '\\n' : code === 9 ? '\\t' : `\\x${code.toString(16).padStart(2, '0')}`
  })
}
