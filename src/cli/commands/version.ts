/** `tsrun version`. */
import { defineCommand } from '../command.js'

/** The same as `--version`, which is what engines call. */
export const command = defineCommand({
  name: 'version',
  description:
    'Prints the versions of tsrun, of the runtime specification, of its JavaScript engine and of libseccomp.',
  options: [],
  arguments: [],
  async run({ context }) {
    context.print((await import('../version.js')).versionText())
    return 0
  },
})
