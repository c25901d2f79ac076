/** `tsrun checkpoint`. */
import { cleanPath } from '../../core.js'
import { defineCommand } from '../command.js'
import { absolute, criuOptions } from '../criu-options.js'

/** Writes a running container to files. */
export const command = defineCommand({
  name: 'checkpoint',
  description:
    'Writes a running container to files, by CRIU, and deletes it; "tsrun restore" makes a container from them, ' +
    'which goes on where this one was.',
  options: [
    ...criuOptions,
    {
      name: 'parent-path',
      kind: 'string',
      value: 'DIR',
      description: 'an earlier checkpoint, relative to the image path: only what has changed since is written',
    },
    { name: 'leave-running', kind: 'boolean', description: 'let the container go on' },
    { name: 'tcp-skip-in-flight', kind: 'boolean', description: 'leave out TCP connections that are being made' },
    {
      name: 'link-remap',
      kind: 'boolean',
      description: 'give deleted files that are open a name, to restore them by it',
    },
    {
      name: 'status-fd',
      kind: 'int',
      value: 'FD',
      min: 0,
      description: 'descriptor that gets a NUL byte when lazy pages can be asked for',
    },
    { name: 'page-server', kind: 'string', value: 'ADDRESS:PORT', description: 'send the memory to a page server' },
    { name: 'pre-dump', kind: 'boolean', description: 'write only memory and let the container go on' },
  ],
  arguments: ['<container-id>'],
  async run({ options, args: [id], context }) {
    const { imagePath, workPath, ...rest } = options
    const runtime = context.runtime()
    const container = await runtime.get(id)
    const directories = { imagePath: absolute(imagePath), ...(workPath ? { workPath: absolute(workPath) } : {}) }
    await container.checkpoint({ ...rest, ...directories, ...parent(options.parentPath) })
    return 0
  },
})

const parent = (path: string | undefined): { parentPath?: string } =>
  path === undefined || path === '' ? {} : { parentPath: path.startsWith('/') ? cleanPath(path) : path }
