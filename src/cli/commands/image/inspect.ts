/** `tsrun image inspect`. */
import { defineCommand } from '../../command.js'
import { openStore } from '../../image-options.js'
import { imageRootOption } from '../../image-root.js'

/** Prints an object with digest, names, manifest, config and the chain ids of the layers. */
export const command = defineCommand({
  name: 'inspect',
  description: 'Prints the documents of an image as JSON.',
  options: [imageRootOption],
  arguments: ['<image>'],
  async run({ options, args: [text], context }) {
    const { findImage, readImage } = await import('../../../image/image.js')
    const store = openStore(options)
    const { digest, manifest, config, chains } = await readImage(store, findImage(store, text))
    const names = store.refs().flatMap((ref) => (ref.digest === digest ? [ref.name] : []))
    context.print(`${JSON.stringify({ digest, names, manifest, config, chains }, undefined, 2)}\n`)
    return 0
  },
})
