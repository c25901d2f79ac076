/** `tsrun restore`. */
import { UsageError } from '../../core.js'
import { defineCommand } from '../command.js'
import { absolute, criuOptions } from '../criu-options.js'
import { bundleOption } from '../options.js'

/** Makes a container from a checkpoint. */
export const command = defineCommand({
  name: 'restore',
  description:
    'Makes a container from the files of "tsrun checkpoint", by CRIU; it goes on where the other one was. In the ' +
    "foreground the exit status is that of the container's process, or 128 + the number of the signal that killed it.",
  options: [
    ...criuOptions,
    bundleOption,
    {
      name: 'console-socket',
      kind: 'string',
      value: 'SOCKET',
      description: 'unix socket that receives the master of the pseudoterminal',
    },
    { name: 'pid-file', kind: 'string', value: 'FILE', description: 'file to write the pid of the init process to' },
    { name: 'detach', short: 'd', kind: 'boolean', description: 'return as soon as the container goes on' },
    { name: 'no-subreaper', kind: 'boolean', description: 'do not become the parent of orphaned processes' },
    { name: 'no-pivot', kind: 'boolean', description: 'refused: CRIU always changes the root by pivot_root' },
    {
      name: 'lsm-profile',
      kind: 'string',
      value: 'TYPE:NAME',
      description: 'run under this profile of AppArmor or label of SELinux',
    },
    { name: 'lsm-mount-context', kind: 'string', value: 'CONTEXT', description: 'SELinux context to mount with' },
  ],
  arguments: ['<container-id>'],
  startsProcess: true,
  async run({ options, args: [id], context }) {
    const { imagePath, workPath, noPivot, bundle = '.', detach, ...rest } = options
    if (noPivot) throw new UsageError('--no-pivot is not possible: CRIU changes the root by pivot_root alone')
    const runtime = context.runtime()
    const directories = { imagePath: absolute(imagePath), ...(workPath ? { workPath: absolute(workPath) } : {}) }
    const given = { ...rest, ...directories, bundle }
    if (!detach) return await runtime.runRestored(id, given)
    await runtime.restore(id, given)
    return 0
  },
})
