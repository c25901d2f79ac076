/** `tsrun image remove`. */
import { becomeRoot } from '../../become-root.js'
import { defineCommand } from '../../command.js'
import { openStore } from '../../image-options.js'
import { imageRootOption } from '../../image-root.js'

/** Containers and bundles go on; `gc` frees what nobody needs any more. */
export const command = defineCommand({
  name: 'remove',
  description: 'Removes the name of an image; of an image that is given by its digest all names. See tsrun image gc.',
  options: [imageRootOption],
  arguments: ['<image>'],
  async run({ options, args: [text], context }) {
    becomeRoot()
    const { removeNames } = await import('../../../image/image.js')
    context.print(
      removeNames(openStore(options), text)
        .map((name) => `${name}\n`)
        .join(''),
    )
    return 0
  },
})
