/** `tsrun image export`. */
import { closeFile, openFile, openFlag } from '../../../native/binding.js'
import { defineCommand } from '../../command.js'
import { openStore } from '../../image-options.js'
import { imageRootOption } from '../../image-root.js'

/** What it writes can be imported again, by tsrun, skopeo (oci-archive:), podman load and docker load. */
export const command = defineCommand({
  name: 'export',
  description: 'Writes an image as an OCI layout in a tar, to standard output or a file.',
  options: [
    imageRootOption,
    {
      name: 'output',
      short: 'o',
      kind: 'string',
      value: 'FILE',
      description: 'file to write to, in the place of stdout',
    },
  ],
  arguments: ['<image>'],
  async run({ options, args: [text] }) {
    const { exportImage } = await import('../../../image/export.js')
    const store = openStore(options)
    const flags = openFlag.write | openFlag.create | openFlag.truncate
    const fd = options.output === undefined ? 1 : openFile(options.output, flags)
    try {
      await exportImage(store, text, fd)
    } finally {
      if (fd !== 1) closeFile(fd)
    }
    return 0
  },
})
