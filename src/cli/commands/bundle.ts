/** `tsrun bundle`: the commands about bundles of images, each in a file of its own. */
import { type ActionEntry, runAction } from '../actions.js'
import { defineCommand } from '../command.js'

/** All of them, in the order of the help. */
export const actions: Readonly<Record<string, ActionEntry>> = {
  create: { summary: 'make a bundle of an image', load: () => import('./bundle/create.js') },
  delete: { summary: 'unmount and remove such a bundle', load: () => import('./bundle/delete.js') },
}

/** Runs one of the actions. */
export const command = defineCommand({
  name: 'bundle',
  description: 'Makes and removes bundles of images: create, delete.',
  options: [],
  arguments: ['<action>', '[arguments...]'],
  stopAtPositional: true,
  async run({ args: [name, rest], context }) {
    return await runAction('bundle', actions, name, rest, context)
  },
})
