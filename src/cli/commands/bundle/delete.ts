/** `tsrun bundle delete`. */
import { becomeRoot } from '../../become-root.js'
import { defineCommand } from '../../command.js'

/** Leaves what else is in the directory. */
export const command = defineCommand({
  name: 'delete',
  description: 'Unmounts and removes a bundle that was made of an image, with all that was changed in it.',
  options: [],
  arguments: ['<directory>'],
  async run({ args: [directory] }) {
    becomeRoot()
    const { deleteBundle } = await import('../../../image/bundle.js')
    deleteBundle(directory)
    return 0
  },
})
