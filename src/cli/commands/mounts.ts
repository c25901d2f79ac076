/** `tsrun mounts`. */
import { type Mount, parseJson, UsageError } from '../../core.js'
import { readJsonText } from '../../native/binding.js'
import { defineCommand } from '../command.js'

/** Mounts and unmounts in a container that exists. */
export const command = defineCommand({
  name: 'mounts',
  description:
    'Adds the mounts of a file to a container that has not stopped, or removes them: {"mounts": [...]}, entries as in ' +
    'config.json; - is standard input. Sources are opened where tsrun runs. All of them are added or removed, or none.',
  options: [],
  arguments: ['<add|remove>', '<container-id>', '<file>'],
  async run({ args: [action, id, file], context }) {
    if (action !== 'add' && action !== 'remove') throw new UsageError(`unknown action ${JSON.stringify(action)}`)
    const mounts = readMounts(file)
    const runtime = context.runtime()
    const container = await runtime.get(id)
    await (action === 'add' ? container.addMounts(mounts) : container.removeMounts(mounts))
    return 0
  },
})

/** Their shape is checked by who mounts them. */
function readMounts(path: string): readonly Mount[] {
  const name = path === '-' ? 'mounts on standard input' : `mounts in ${JSON.stringify(path)}`
  const document = parseJson(readJsonText(path === '-' ? '/dev/stdin' : path), name) as { mounts?: unknown } | null
  const mounts = document?.mounts
  if (!Array.isArray(mounts)) throw new UsageError(`${name}: there is no list "mounts"`)
  return mounts as readonly Mount[]
}
