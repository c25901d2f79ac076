/** `tsrun kill`. */
import { defineCommand } from '../command.js'
import { parseSignal } from '../../core.js'
import { forEachMatching, regexOption } from '../matching.js'

/** Sends a signal to the init process or to all processes. */
export const command = defineCommand({
  name: 'kill',
  description: 'Sends a signal (default: SIGTERM), given by number or name, to the init process of a container.',
  options: [
    { name: 'all', short: 'a', kind: 'boolean', description: 'to all processes; a stopped container is no error then' },
    regexOption,
  ],
  arguments: ['<container-id>', '[signal]'],
  stopAtPositional: true,
  async run({ options, args: [id, signal = 'SIGTERM'], context }) {
    // `-9` as with kill(1); runc takes it for a negative number.
    const number = parseSignal(signal.startsWith('-') ? signal.slice(1) : signal)
    const runtime = context.runtime()
    const kill = async (one: string): Promise<void> => {
      await runtime.at(one).kill(number, { all: options.all })
    }
    if (options.regex) return await forEachMatching(runtime, context, id, kill)
    await kill(id)
    return 0
  },
})
