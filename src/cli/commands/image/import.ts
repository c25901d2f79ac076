/** `tsrun image import`. */
import { UsageError } from '../../../core.js'
import { closeFile, fileInfo, openFile, openFlag } from '../../../native/binding.js'
import { becomeRoot } from '../../become-root.js'
import { defineCommand } from '../../command.js'
import { limitOptions, limitsOf, openStore, ownRights } from '../../image-options.js'
import { imageRootOption } from '../../image-root.js'

/** Prints a line for each image: its digest, and its name where it has one. */
export const command = defineCommand({
  name: 'import',
  description:
    'Imports the images of an OCI layout or of what docker save and podman save write: a directory, a tar (may be ' +
    'compressed), or - for a tar on standard input.',
  options: [
    imageRootOption,
    { name: 'name', kind: 'string', value: 'NAME', description: 'name of the image, in the place of the one it has' },
    {
      name: 'platform',
      kind: 'string',
      value: 'PLATFORM',
      description: 'of an index of several the image for this platform, such as linux/arm64 (default: this machine)',
    },
    ...limitOptions,
  ],
  arguments: ['<path>'],
  async run({ options, args: [path], context }) {
    becomeRoot()
    const { importArchive, importDirectory } = await import('../../../image/import.js')
    const { parsePlatform } = await import('../../../image/platform.js')
    const store = openStore(options)
    const settings = {
      ...(options.name === undefined ? {} : { name: options.name }),
      ...(options.platform === undefined ? {} : { platform: parsePlatform(options.platform) }),
      limits: limitsOf(options),
      rights: ownRights(),
    }
    const type = path === '-' ? 'file' : fileInfo(path)?.type
    if (type === undefined) throw new UsageError(`there is no ${JSON.stringify(path)}`)
    const archive = path === '-' ? 0 : openFile(path, openFlag.read)
    try {
      const isDirectory = path !== '-' && fileInfo(`${path}/.`)?.type === 'directory'
      const images = isDirectory
        ? await importDirectory(store, path, settings)
        : await importArchive(store, archive, settings)
      context.print(images.map(({ digest, name }) => `${digest}${name === undefined ? '' : ` ${name}`}\n`).join(''))
    } finally {
      if (archive !== 0) closeFile(archive)
    }
    return 0
  },
})
