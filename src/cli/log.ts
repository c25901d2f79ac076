/** Command line: the log that `--log` names, a line per record, in the shapes that callers of runc parse. */
import { UsageError } from '../core.js'
import { openFlag, writeFile } from '../native/binding.js'
import { printError } from './output.js'

/** Severity of a record, spelled as in logrus, the log library of runc. */
export type LogLevel = 'error' | 'warning' | 'debug'

/** One entry of the log. */
export interface LogRecord {
  readonly level: LogLevel
  readonly message: string
  /** Members beside those that callers know. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** Where the records go. */
export interface LogSink {
  /** Finds out before any work whether it can be written to. @throws SyscallError */
  open(): void
  /** @throws SyscallError */
  write(record: LogRecord): void
}

/** The global options about the log. */
export interface LogOptions {
  /** A path, `file:PATH`, `journald:IDENTIFIER` or `syslog:IDENTIFIER`; undefined for no log. */
  readonly destination?: string
  readonly format: 'text' | 'json'
  /** Write debug records too. */
  readonly debug: boolean
  /**
   * When warnings are written. After success, unless asked for more: podman takes the log of a failed command for none
   * if it has more than one record, so there they become a member of that one.
   */
  readonly warnings: 'at once' | 'after success' | 'never'
}

/** The sink of a destination: those of crun, of which `file:` may be left out. */
export async function openSink({ destination, format }: LogOptions): Promise<LogSink | undefined> {
  if (destination === undefined) return undefined
  const [, kind = 'file', name = destination] = /^(file|journald|syslog):(.*)$/s.exec(destination) ?? []
  if (kind === 'file') return fileSink(name, format)
  const { journalSink, syslogSink } = await import('./log-sockets.js')
  return kind === 'journald' ? journalSink(name) : syslogSink(name)
}

/** Writes records: to the sink, without one what is no error to stderr. */
export class Log {
  readonly options: LogOptions
  readonly #sink: LogSink | undefined
  readonly #kept: string[] = []
  constructor(options: LogOptions, sink?: LogSink) {
    this.options = options
    this.#sink = sink
  }

  /** True when there is a log. */
  get isKept(): boolean {
    return this.#sink !== undefined
  }

  /** Finds out before any work whether the log can be written. @throws UsageError */
  open(): void {
    try {
      this.#sink?.open()
    } catch (cause) {
      throw new UsageError('cannot write the log', { cause })
    }
  }

  error(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    const warnings = this.#kept.splice(0)
    const all = warnings.length === 0 ? fields : { ...fields, warnings }
    this.#sink?.write({ level: 'error', message, fields: all })
  }

  warning(message: string): void {
    const { warnings } = this.options
    if (warnings === 'never') return
    if (warnings === 'after success' && this.isKept) this.#kept.push(message)
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
    const record = { level, message, fields }
    if (this.#sink === undefined) printError(formatRecord('text', { ...record, time: new Date() }))
    else this.#sink.write(record)
  }
}

/** A file, made when it is missing (mode 0644). One write per record, so that records of several processes don't mix. */
function fileSink(path: string, format: 'text' | 'json'): LogSink {
  const append = (text: string): void =>
    writeFile(path, text, openFlag.write | openFlag.create | openFlag.append, 0o644)
  return {
    open: () => append(''),
    write: (record) => append(formatRecord(format, { ...record, time: new Date() })),
  }
}

/** One line of the log, with its newline. Members of `fields` follow the three that callers know. */
export function formatRecord(format: 'text' | 'json', record: LogRecord & { readonly time: Date }): string {
  const { level, message, fields } = record
  const time = record.time.toISOString()
  if (format === 'json') return `${JSON.stringify({ level, msg: message, time, ...fields })}\n`
  return `time="${time}" level=${level} msg=${JSON.stringify(message)}${fieldsText(fields)}\n`
}

/** The fields as ` key=value`, values in JSON. */
export const fieldsText = (fields: LogRecord['fields']): string =>
  Object.entries(fields)
    .map(([key, value]) => ` ${key}=${JSON.stringify(value)}`)
    .join('')
