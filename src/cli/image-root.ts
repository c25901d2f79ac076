/** Command line: the flag that says where the images are. */
import type { OptionSpec } from './argv.js'

/** Where the images are. */
export const imageRootOption = {
  name: 'image-root',
  kind: 'string',
  value: 'DIR',
  description: 'directory of the images (default: /var/lib/tsrun/images, without root $XDG_DATA_HOME/tsrun/images)',
} as const satisfies OptionSpec
