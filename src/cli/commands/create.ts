/** `tsrun create`. */
import { defineCommand } from '../command.js'
import { notifyOption } from '../notify-socket.js'
import { createOptions } from '../options.js'
import { countListenFds } from '../socket-activation.js'

/** Makes the container and leaves its process waiting for `start`. */
export const command = defineCommand({
  name: 'create',
  description:
    'Creates a container from a bundle, a directory with a config.json and a root file system. ' +
    'The process of config.json does not run before "tsrun start".',
  options: createOptions,
  arguments: ['<container-id>'],
  startsProcess: true,
  async run({ options, args: [id], context }) {
    const runtime = await context.runtime()
    await runtime.create(id, {
      ...options,
      bundle: options.bundle ?? '.',
      listenFds: countListenFds(),
      ...notifyOption(),
    })
    return 0
  },
})
