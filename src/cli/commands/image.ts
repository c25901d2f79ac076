/** `tsrun image`: the commands about images, each in a file of its own. */
import { type ActionEntry, runAction } from '../actions.js'
import { defineCommand } from '../command.js'

/** All of them, in the order of the help. */
export const actions: Readonly<Record<string, ActionEntry>> = {
  import: { summary: 'import images from a directory or an archive', load: () => import('./image/import.js') },
  pull: { summary: 'pull an image from a registry', load: () => import('./image/pull.js') },
  list: { summary: 'list the images', load: () => import('./image/list.js') },
  inspect: { summary: 'print manifest and config of an image', load: () => import('./image/inspect.js') },
  remove: { summary: 'remove the name of an image', load: () => import('./image/remove.js') },
  gc: { summary: 'remove what no name and no bundle needs', load: () => import('./image/gc.js') },
  export: { summary: 'write an image as an OCI layout in a tar', load: () => import('./image/export.js') },
}

/** Runs one of the actions. */
export const command = defineCommand({
  name: 'image',
  description:
    'Keeps images, from which "tsrun bundle create" and "tsrun run --image" make containers: import, pull, list, inspect, ' +
    'remove, gc, export.',
  options: [],
  arguments: ['<action>', '[arguments...]'],
  stopAtPositional: true,
  async run({ args: [name, rest], context }) {
    return await runAction('image', actions, name, rest, context)
  },
})
