/** `tsrun pause`. */
import { defineCommand } from '../command.js'

/** Stops all processes of a container until `resume`. */
export const command = defineCommand({
  name: 'pause',
  description: 'Stops all processes of a container, as they are, until "tsrun resume".',
  options: [],
  arguments: ['<container-id>'],
  async run({ args: [id], context }) {
    const runtime = context.runtime()
    const container = await runtime.get(id)
    await container.pause()
    return 0
  },
})
