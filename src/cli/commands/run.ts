/** `tsrun run`. */
import { defineCommand } from '../command.js'
import { createInput } from '../create-input.js'
import { createOptions } from '../options.js'

/** Creates, starts, and unless detached waits for and deletes the container. */
export const command = defineCommand({
  name: 'run',
  description:
    'Creates a container from a bundle and starts it. In the foreground signals are forwarded, and the exit status is ' +
    "that of the container's process, or 128 + the number of the signal that killed it.",
  options: [
    ...createOptions,
    { name: 'detach', short: 'd', kind: 'boolean', description: 'return as soon as the process has started' },
    { name: 'keep', kind: 'boolean', description: 'do not delete the container when it has stopped' },
    { name: 'no-subreaper', kind: 'boolean', description: 'do not become the parent of orphaned processes' },
  ],
  arguments: ['<container-id>'],
  startsProcess: true,
  async run({ options, args: [id], context }) {
    const runtime = await context.runtime()
    const { detach, keep, noSubreaper } = options
    return await runtime.run(id, { ...(await createInput(options)), detach, keep, noSubreaper })
  },
})
