/** `tsrun ps`. */
import { UnsupportedError, UsageError } from '../../errors.js'
import { defineCommand } from '../command.js'

/** Prints the processes of a container: their pids, or what ps(1) says of them. */
export const command = defineCommand({
  name: 'ps',
  description:
    'Prints the processes of a container. The table is made by ps(1): further arguments are its options (default: -ef).',
  options: [
    { name: 'format', short: 'f', kind: 'string', value: 'FORMAT', default: 'table', description: 'table or json' },
  ],
  arguments: ['<container-id>', '[ps-options...]'],
  stopAtPositional: true,
  async run({ options: { format }, args: [id, given], context }) {
    if (format !== 'table' && format !== 'json') throw new UsageError(`invalid format option: ${format}`)
    const runtime = await context.runtime()
    const container = await runtime.get(id)
    const pids = await container.processes()
    if (format === 'table') context.print(filterTable(await runPs(given.length > 0 ? given : ['-ef']), pids))
    // An empty list of Go is null.
    else context.print(`${pids.length === 0 ? 'null' : JSON.stringify(pids)}\n`)
    return 0
  },
})

async function runPs(args: readonly string[]): Promise<string> {
  const { spawnSync } = await import('node:child_process') // only this command pays for it
  const { error, status, signal, stdout, stderr } = spawnSync('ps', args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 256 * 1024 * 1024,
  })
  if (error) throw new UnsupportedError('ps', `cannot run ps: ${error.message}`)
  if (status === 0) return stdout
  const end = signal === null ? `exit status ${status}` : `signal ${signal}`
  throw new UsageError(`ps ${args.join(' ')}: ${end}: ${stdout}${stderr}`)
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
