/** Command line: the log that `--log` names, a line per record, in the shapes that callers of runc parse. */
import { UsageError } from '../errors.js'
import { openFlag, writeFile } from '../native/binding.js'
import { printError } from './output.js'

/** Severity of a record, spelled as in logrus, the log library of runc. */
export type LogLevel = 'error' | 'warning' | 'debug'

/** The global options about the log. */
export interface LogOptions {
  /** Undefined for no log. */
  readonly path?: string
  readonly format: 'text' | 'json'
  /** Write debug records too. */
  readonly debug: boolean
  /**
   * When warnings are written. After success, unless asked for more: podman takes the log of a failed command for none
   * if it has more than one record, so there they become a member of that one.
   */
  readonly warnings: 'at once' | 'after success' | 'never'
}

/** Writes records: to the file, without one what is no error to stderr. */
export class Log {
  readonly options: LogOptions
  readonly #kept: string[] = []
  constructor(options: LogOptions) {
    this.options = options
  }

  /**
   * Creates the file (mode 0644), so that a path which can't be written to is found before any work.
   *
   * @throws UsageError
   */
  open(): void {
    if (this.options.path === undefined) return
    try {
      append(this.options.path, '')
    } catch (cause) {
      throw new UsageError('cannot write the log', { cause })
    }
  }

  error(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    const warnings = this.#kept.splice(0)
    const all = warnings.length === 0 ? fields : { ...fields, warnings }
    if (this.options.path !== undefined) this.#append('error', message, all)
  }

  warning(message: string): void {
    const { warnings, path } = this.options
    if (warnings === 'never') return
    if (warnings === 'after success' && path !== undefined) this.#kept.push(message)
    else this.#append('warning', message, {})
  }

  /** Writes the warnings that have waited for success, which a full disk does not undo. */
  succeed(): void {
    for (const message of this.#kept.splice(0)) {
      try {
        this.#append('warning', message, {})
      } catch {
        printError(formatRecord('text', { level: 'warning', message, fields: {}, time: new Date() }))
      }
    }
  }

  debug(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    if (this.options.debug) this.#append('debug', message, fields)
  }

  #append(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>): void {
    const { path, format } = this.options
    const record = { level, message, fields, time: new Date() }
    if (path === undefined) printError(formatRecord('text', record))
    else append(path, formatRecord(format, record))
  }
}

/** One write per record, so that records of several processes don't mix. */
function append(path: string, text: string): void {
  writeFile(path, text, openFlag.write | openFlag.create | openFlag.append, 0o644)
}

/** One line of the log, with its newline. Members of `fields` follow the three that callers know. */
export function formatRecord(
  format: 'text' | 'json',
  record: { level: LogLevel; message: string; fields: Readonly<Record<string, unknown>>; time: Date },
): string {
  const { level, message, fields } = record
  const time = record.time.toISOString()
  if (format === 'json') return `${JSON.stringify({ level, msg: message, time, ...fields })}\n`
  const more = Object.entries(fields).map(([key, value]) => ` ${key}=${JSON.stringify(value)}`)
  return `time="${time}" level=${level} msg=${JSON.stringify(message)}${more.join('')}\n`
}
