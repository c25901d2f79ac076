/** `tsrun run`. */
import { defineCommand } from '../command.js'
import { createInput } from '../create-input.js'
import { assertWithImage, imageRunOptions } from '../bundle-options.js'
import { createOptions, traceOption } from '../options.js'

/** Creates, starts, and unless detached waits for and deletes the container. */
export const command = defineCommand({
  name: 'run',
  description:
    'Creates a container from a bundle and starts it. In the foreground signals are forwarded, and the exit status is ' +
    "that of the container's process, or 128 + the number of the signal that killed it. With --image the bundle is made " +
    "of an image, and goes with the container; the arguments are those of the container's program.",
  options: [
    ...createOptions,
    { name: 'detach', short: 'd', kind: 'boolean', description: 'return as soon as the process has started' },
    { name: 'keep', kind: 'boolean', description: 'do not delete the container when it has stopped' },
    { name: 'no-subreaper', kind: 'boolean', description: 'do not become the parent of orphaned processes' },
    ...imageRunOptions,
    traceOption,
  ],
  arguments: ['<container-id>'],
  restWith: 'image',
  startsProcess: true,
  async run({ options, args: [id], rest, context }) {
    if (rest !== undefined) return await (await import('../run-image.js')).runImage(options, rest, context)
    assertWithImage(options)
    const runtime = context.runtime()
    const { detach, keep, noSubreaper } = options
    return await runtime.run(id, { ...createInput(options), detach, keep, noSubreaper })
  },
})
