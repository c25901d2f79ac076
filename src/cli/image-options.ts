/** Command line: what the commands about images share: where they are, what layers may have, and what this process may. */
import { cleanPath, isInUserNamespace, parseSize, UsageError } from '../core.js'
import type { LayerLimits, Rights } from '../image/layers.js'
import { ImageStore, defaultImageRoot } from '../image/store.js'
import { processIds } from '../native/binding.js'
import type { OptionSpec } from './argv.js'

/** What a layer may have. */
export const limitOptions = [
  {
    name: 'max-size',
    kind: 'string',
    value: 'SIZE',
    default: '64g',
    description: 'refuse layers with more bytes when they are unpacked',
  },
  {
    name: 'max-entries',
    kind: 'int',
    value: 'N',
    default: 1_000_000,
    min: 1,
    description: 'refuse layers with more files',
  },
] as const satisfies readonly OptionSpec[]

/** The store that a command works on. @throws UsageError */
export function openStore(values: { readonly imageRoot?: string }): ImageStore {
  const { imageRoot } = values
  if (imageRoot === undefined) return new ImageStore(defaultImageRoot(processIds().euid !== 0 || isInUserNamespace()))
  if (imageRoot === '') throw new UsageError('Option --image-root argument should not be empty')
  return new ImageStore(cleanPath(imageRoot.startsWith('/') ? imageRoot : `${process.cwd()}/${imageRoot}`))
}

/** What layers may have, by the flags. @throws UsageError */
export const limitsOf = (values: { readonly maxSize: string; readonly maxEntries: number }): LayerLimits => ({
  maxBytes: parseSize('--max-size', values.maxSize),
  maxEntries: values.maxEntries,
})

/** What this process may when it unpacks. */
export const ownRights = (): Rights => ({ inUserNamespace: isInUserNamespace() })
