/** `tsrun bundle create`. */
import { overrideOptions } from '../../bundle-options.js'
import { overridesOf } from '../../bundle-overrides.js'
import { becomeRoot } from '../../become-root.js'
import { defineCommand } from '../../command.js'
import { limitOptions, limitsOf, openStore, ownRights } from '../../image-options.js'
import { imageRootOption } from '../../image-root.js'

/** Prints the path of the bundle. */
export const command = defineCommand({
  name: 'create',
  description:
    'Makes a bundle of an image: config.json by what the image says, and rootfs as an overlay of its layers, which ' +
    'other bundles share. Further arguments are those of the program.',
  options: [imageRootOption, ...overrideOptions, ...limitOptions],
  arguments: ['<image>', '<directory>', '[arguments...]'],
  stopAtPositional: true,
  async run({ options, args: [text, directory, rest], context }) {
    becomeRoot()
    const { createBundle } = await import('../../../image/bundle.js')
    const { findImage } = await import('../../../image/image.js')
    const store = openStore(options)
    const settings = { overrides: overridesOf(options, rest), rights: ownRights(), limits: limitsOf(options) }
    context.print(`${await createBundle(store, findImage(store, text), directory, settings)}\n`)
    return 0
  },
})
