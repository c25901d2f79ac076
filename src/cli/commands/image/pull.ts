/** `tsrun image pull`. */
import { defineCommand } from '../../command.js'
import { limitOptions, limitsOf, openStore } from '../../image-options.js'
import { imageRootOption } from '../../image-root.js'

/** Prints digest and name. */
export const command = defineCommand({
  name: 'pull',
  description:
    'Pulls an image from a registry, with what docker login has noted (also credential helpers). It takes Node.js 20 ' +
    'or later, which the executable runs for the download.',
  options: [
    imageRootOption,
    {
      name: 'platform',
      kind: 'string',
      value: 'PLATFORM',
      description: 'of an index of several the image for this platform, such as linux/arm64 (default: this machine)',
    },
    { name: 'insecure', kind: 'boolean', description: 'without TLS, from a registry of this machine (127.0.0.1)' },
    ...limitOptions,
  ],
  arguments: ['<image>'],
  async run({ options, args: [text], context }) {
    const { pullImage } = await import('../../pull-image.js')
    const { digest, name } = await pullImage(openStore(options), text, {
      ...(options.platform === undefined ? {} : { platform: options.platform }),
      ...{ insecure: options.insecure, limits: limitsOf(options) },
    })
    context.print(`${digest} ${name}\n`)
    return 0
  },
})
