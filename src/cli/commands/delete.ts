/** `tsrun delete`. */
import { defineCommand } from '../command.js'

/** Removes what a container leaves behind. */
export const command = defineCommand({
  name: 'delete',
  description: 'Deletes a container that has stopped, or was created and never started.',
  options: [
    {
      name: 'force',
      short: 'f',
      kind: 'boolean',
      description: 'kill a running container first; no container of this id is no error then',
    },
  ],
  arguments: ['<container-id>'],
  async run({ options, args: [id], context }) {
    const runtime = await context.runtime()
    await runtime.delete(id, { force: options.force })
    return 0
  },
})
