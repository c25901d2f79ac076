/** `tsrun state`. */
import { defineCommand } from '../command.js'

/** Prints the state document (runtime.md "State") with tsrun's additions. */
export const command = defineCommand({
  name: 'state',
  description: 'Prints the state of a container as JSON.',
  options: [],
  arguments: ['<container-id>'],
  async run({ args: [id], context }) {
    const runtime = context.runtime()
    const container = runtime.at(id)
    // No newline at the end, as runc.
    context.print(JSON.stringify(await container.state(), undefined, 2))
    return 0
  },
})
