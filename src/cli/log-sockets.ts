/** Command line: logs of the host that take records over a Unix socket: systemd's journal, and syslog(3). */
import { closeFile, connectSocket, sendDescriptor } from '../native/binding.js'
import { fieldsText, type LogLevel, type LogSink } from './log.js'
import { oneLine } from './report.js'

/** LOG_ERR, LOG_WARNING and LOG_DEBUG of syslog(3). */
const priority: Readonly<Record<LogLevel, number>> = { error: 3, warning: 4, debug: 7 }

/** LOG_USER of syslog(3), in front of the priority's three bits. */
const facility = 1 << 3

/** systemd's journal, by its native protocol. `ID` is what crun calls the identifier there. */
export const journalSink = (identifier: string): LogSink =>
  socketSink('/run/systemd/journal/socket', ({ level, message, fields }) =>
    [
      `MESSAGE=${oneLine(message)}`,
      `PRIORITY=${priority[level]}`,
      ...(identifier === '' ? [] : [`SYSLOG_IDENTIFIER=${identifier}`, `ID=${identifier}`]),
      ...Object.entries(fields).map(([key, value]) => `TSRUN_${key.toUpperCase()}=${JSON.stringify(value)}`),
      '',
    ].join('\n'),
  )

/** The syslog daemon, as the C library speaks with it (RFC 3164), without a pid as crun; the time is set where it arrives. */
export const syslogSink = (identifier: string): LogSink =>
  socketSink('/dev/log', ({ level, message, fields }) => {
    const tag = identifier === '' ? 'tsrun' : identifier
    return `<${facility | priority[level]}>${tag}: ${oneLine(message)}${fieldsText(fields)}`
  })

/** One datagram per record. */
function socketSink(path: string, format: (record: Parameters<LogSink['write']>[0]) => string): LogSink {
  const connected = (use: (socket: number) => void): void => {
    const socket = connectSocket(path, 'datagram')
    try {
      use(socket)
    } finally {
      closeFile(socket)
    }
  }
  return {
    open: () => connected(() => undefined),
    write: (record) => connected((socket) => sendDescriptor(socket, format(record), -1)),
  }
}
