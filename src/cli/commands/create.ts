/** `tsrun create`. */
import { defineCommand } from '../command.js'
import { createInput } from '../create-input.js'
import { createOptions, traceOption } from '../options.js'

/** Makes the container and leaves its process waiting for `start`. */
export const command = defineCommand({
  name: 'create',
  description:
    'Creates a container from a bundle, a directory with a config.json and a root file system. ' +
    'The process of config.json does not run before "tsrun start".',
  options: [
    ...createOptions,
    { name: 'no-subreaper', kind: 'boolean', description: 'has no effect: create is nobody’s subreaper' },
    traceOption,
  ],
  arguments: ['<container-id>'],
  startsProcess: true,
  async run({ options, args: [id], context }) {
    const runtime = context.runtime()
    await runtime.create(id, createInput(options))
    return 0
  },
})
