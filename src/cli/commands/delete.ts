/** `tsrun delete`. */
import { defineCommand } from '../command.js'
import { forEachMatching, regexOption } from '../matching.js'
import { traceOption } from '../options.js'

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
    regexOption,
    traceOption,
  ],
  arguments: ['<container-id>'],
  async run({ options, args: [id], context }) {
    const runtime = context.runtime()
    const remove = (one: string): Promise<void> => runtime.delete(one, { force: options.force })
    if (options.regex) return await forEachMatching(runtime, context, id, remove)
    await remove(id)
    return 0
  },
})
