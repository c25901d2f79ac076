/** `tsrun image gc`. */
import { becomeRoot } from '../../become-root.js'
import { defineCommand } from '../../command.js'
import { openStore } from '../../image-options.js'
import { imageRootOption } from '../../image-root.js'

/** Waits for those who use the images, and prints what has gone. */
export const command = defineCommand({
  name: 'gc',
  description:
    'Removes blobs and layers that no name and no bundle needs, and what commands that were killed have left.',
  options: [imageRootOption],
  arguments: [],
  async run({ options, context }) {
    becomeRoot()
    const { collectGarbage } = await import('../../../image/gc.js')
    const { blobs, layers, bundles, unfinished } = await collectGarbage(openStore(options))
    context.print(`removed ${blobs} blobs, ${layers} layers, ${bundles} bundles, ${unfinished} unfinished\n`)
    return 0
  },
})
