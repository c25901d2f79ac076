/** `tsrun features`. */
import { features } from '../../core.js'
import { defineCommand } from '../command.js'

/** Prints the features document (features.md of the runtime spec). */
export const command = defineCommand({
  name: 'features',
  description: 'Prints as JSON which parts of the runtime specification this build supports, on whatever host it runs.',
  options: [],
  arguments: [],
  run({ context }) {
    context.print(`${JSON.stringify(features(), undefined, 4)}\n`)
    return 0
  },
})
