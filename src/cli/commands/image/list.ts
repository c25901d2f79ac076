/** `tsrun image list`. */
import { UsageError } from '../../../core.js'
import { defineCommand } from '../../command.js'
import { openStore } from '../../image-options.js'
import { imageRootOption } from '../../image-root.js'
import { formatTable } from '../../table.js'

/** Prints the names of images with what they stand for. */
export const command = defineCommand({
  name: 'list',
  description: 'Lists the images.',
  options: [
    imageRootOption,
    { name: 'format', short: 'f', kind: 'string', value: 'FORMAT', default: 'table', description: 'table or json' },
    { name: 'quiet', short: 'q', kind: 'boolean', description: 'print only the names' },
  ],
  arguments: [],
  async run({ options, context }) {
    const { format, quiet } = options
    if (format !== 'table' && format !== 'json') throw new UsageError(`invalid format option: ${format}`)
    const { listImages } = await import('../../../image/list.js')
    const images = await listImages(openStore(options))
    if (quiet) {
      context.print(images.map(({ name }) => `${name}\n`).join(''))
    } else if (format === 'json') {
      context.print(`${JSON.stringify(images)}\n`)
    } else {
      const rows = images.map((one) => [one.name, one.digest.slice(7, 19), megabytes(one.size), one.created])
      context.print(formatTable([['NAME', 'DIGEST', 'SIZE', 'CREATED'], ...rows]))
    }
    return 0
  },
})

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
