/** `tsrun resume`. */
import { defineCommand } from '../command.js'

/** Lets the processes of a paused container go on. */
export const command = defineCommand({
  name: 'resume',
  description: 'Lets the processes go on that "tsrun pause" has stopped.',
  options: [],
  arguments: ['<container-id>'],
  async run({ args: [id], context }) {
    const runtime = context.runtime()
    const container = await runtime.get(id)
    await container.resume()
    return 0
  },
})
