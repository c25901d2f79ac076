/** `tsrun list`. */
import { type ContainerState, messageChain, StoreError, UsageError } from '../../core.js'
import { fileInfo } from '../../native/binding.js'
import { defineCommand } from '../command.js'
import { formatOption } from '../options.js'
import { formatTable } from '../table.js'

/** Prints the containers below the root; a broken one is named on stderr and left out. */
export const command = defineCommand({
  name: 'list',
  description: 'Lists the containers below the root.',
  options: [formatOption, { name: 'quiet', short: 'q', kind: 'boolean', description: 'print only the ids' }],
  arguments: [],
  async run({ options: { format, quiet }, context }) {
    if (format !== 'table' && format !== 'json') throw new UsageError(`invalid format option: ${format}`)
    const { root } = context
    if (root !== undefined && fileInfo(root) === undefined) {
      throw new StoreError(`open ${JSON.stringify(root)}: no such file or directory`, root)
    }
    const runtime = context.runtime()
    const { containers, broken } = await runtime.list()
    for (const { id, error } of broken) context.complain(`load container ${id}: ${messageChain(error)}`)
    context.print(quiet ? formatIds(containers) : format === 'json' ? formatJson(containers) : formatRows(containers))
    return 0
  },
})

const formatIds = (containers: readonly ContainerState[]): string => containers.map(({ id }) => `${id}\n`).join('')

/** An empty list of Go is null. */
const formatJson = (containers: readonly ContainerState[]): string =>
  `${containers.length === 0 ? 'null' : JSON.stringify(containers)}\n`

const formatRows = (containers: readonly ContainerState[]): string =>
  formatTable([
    ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'],
    ...containers.map((one) => [one.id, String(one.pid), one.status, one.bundle, one.created, one.owner]),
  ])
