/** `tsrun start`. */
import { defineCommand } from '../command.js'
import { traceOption } from '../options.js'
import { notifyOption } from '../notify-socket.js'

/** Lets the process of a created container go. */
export const command = defineCommand({
  name: 'start',
  description: 'Starts the process of a container that "tsrun create" made.',
  options: [traceOption],
  arguments: ['<container-id>'],
  async run({ args: [id], context }) {
    const runtime = context.runtime()
    const container = runtime.at(id)
    await container.start(notifyOption())
    return 0
  },
})
