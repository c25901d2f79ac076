/** `tsrun events`. */
import { type ContainerEvent, parseDuration, stringifyConfig } from '../../core.js'
import { terminalSize } from '../../native/binding.js'
import { defineCommand } from '../command.js'

/** Prints what a container uses from time to time, and each OOM kill when it happens, one JSON document per line. */
export const command = defineCommand({
  name: 'events',
  description:
    'Prints events of a container: statistics from time to time, and OOM kills. Each is a line of JSON; on a terminal a ' +
    'line to read.',
  options: [
    {
      name: 'interval',
      kind: 'string',
      value: 'DURATION',
      default: '5s',
      description: 'time between two statistics, for example 500ms or 1m30s',
    },
    { name: 'stats', kind: 'boolean', description: 'print the statistics once, at once, and exit' },
  ],
  arguments: ['<container-id>'],
  async run({ options, args: [id], context }) {
    const interval = parseDuration('interval', options.interval)
    const runtime = context.runtime()
    const container = await runtime.get(id)
    // Counters have 64 bits.
    const words = terminalSize(1) === undefined ? undefined : (await import('../event-words.js')).eventWords()
    const print = (event: ContainerEvent): void => context.print(words?.(event) ?? `${stringifyConfig(event)}\n`)
    if (options.stats && interval > 0) {
      print({ type: 'stats', id, data: await container.stats() })
      return 0
    }
    for await (const event of container.events({ interval })) print(event)
    return 0
  },
})
