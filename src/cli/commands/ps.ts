/** `tsrun ps`. */
import { UnsupportedError, UsageError } from '../../core.js'
import { describeEnd, findProgram, runHelper } from '../../native/helper-process.js'
import { blockingWaiter } from '../../native/wait.js'
import { defineCommand } from '../command.js'
import { formatOption } from '../options.js'

/** Prints the processes of a container: their pids, or what ps(1) says of them. */
export const command = defineCommand({
  name: 'ps',
  description:
    'Prints the processes of a container. The table is made by ps(1): further arguments are its options (default: -ef).',
  options: [formatOption],
  arguments: ['<container-id>', '[ps-options...]'],
  stopAtPositional: true,
  async run({ options: { format }, args: [id, given], context }) {
    if (format !== 'table' && format !== 'json') throw new UsageError(`invalid format option: ${format}`)
    const runtime = context.runtime()
    const container = await runtime.get(id)
    const pids = await container.processes()
    if (format === 'table') context.print(filterTable(await runPs(given.length > 0 ? given : ['-ef']), pids))
    // An empty list of Go is null.
    else context.print(`${pids.length === 0 ? 'null' : JSON.stringify(pids)}\n`)
    return 0
  },
})

async function runPs(args: readonly string[]): Promise<string> {
  const path = findProgram('ps', process.env.PATH)
  if (path === undefined)
    throw new UnsupportedError('ps', 'cannot run ps: it is not installed (Debian: package procps)')
  const keptOutput = 256 * 1024 * 1024
  const { status, output } = await runHelper({ path, args: ['ps', ...args], cwd: '/', keptOutput }, blockingWaiter)
  if (status !== null && 'code' in status && status.code === 0) return output
  throw new UsageError(`ps ${args.join(' ')}: ${describeEnd(status)}: ${output}`)
}

/**
 * The headline of a table of ps(1), and its lines with one of the pids in the column PID.
 *
 * @throws UsageError when there is no such column.
 */
export function filterTable(table: string, pids: readonly number[]): string {
  const [title = '', ...lines] = table.split('\n')
  const column = fields(title).indexOf('PID')
  if (column < 0) throw new UsageError("couldn't find PID field in ps output")
  const kept = lines.filter((line) => {
    if (line.trim() === '') return false
    const text = fields(line)[column] ?? ''
    if (!/^\d+$/.test(text)) throw new UsageError(`unable to parse pid: ${JSON.stringify(text)}`)
    return pids.includes(Number(text))
  })
  return [title, ...kept, ''].join('\n')
}

const fields = (line: string): string[] => line.trim().split(/\s+/)
