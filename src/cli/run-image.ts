/** Command line: `run --image`: a bundle of an image that goes with its container. */
import { UsageError } from '../core.js'
import { bindToContainer, createBundle, deleteBundle, runPlace } from '../image/bundle.js'
import type { Digest } from '../image/digest.js'
import { findImage, findImageIfAny } from '../image/image.js'
import { defaultLimits, type LayerLimits } from '../image/layers.js'
import type { ImageStore } from '../image/store.js'
import { removeDirectory } from '../native/binding.js'
import { becomeRoot } from './become-root.js'
import type { imageRunOptions } from './bundle-options.js'
import { overridesOf } from './bundle-overrides.js'
import type { CommandContext } from './command.js'
import { createInput } from './create-input.js'
import { openStore, ownRights } from './image-options.js'
import type { createOptions, OptionValues } from './options.js'
import { ownCommand } from './own-command.js'

type Values = OptionValues<typeof imageRunOptions> &
  OptionValues<typeof createOptions> & {
    readonly detach: boolean
    readonly keep: boolean
    readonly noSubreaper: boolean
  }

/** Runs a container of an image; in the foreground nothing is left of it at the end. @throws what `run` throws, ImageError */
export async function runImage(options: Values, args: readonly string[], context: CommandContext): Promise<number> {
  assertPossible(options)
  const store = openStore(options)
  const image = options.image ?? ''
  const limits = defaultLimits
  const digest = await imageOf(store, options, limits)
  becomeRoot()
  const rights = ownRights()
  const runtime = context.runtime()
  const place = runPlace(store)
  const { directory } = place
  const id = options.name ?? newId(image, directory)
  const stays = options.detach || options.keep
  let bundle: string | undefined
  let ended = true
  try {
    const { path, args: own } = ownCommand()
    bundle = await createBundle(store, digest, directory, {
      overrides: { hostname: id, ...overridesOf(options, args) },
      ...{ rights, limits, passing: true },
      ...(stays ? { afterwards: { path, args: [...own, 'bundle', 'delete', directory] } } : {}),
    })
    if (stays) bindToContainer(bundle, `${runtime.root}/${id}`)
    const { detach, keep, noSubreaper } = options
    const status = await runtime.run(id, { ...createInput({ ...options, bundle }), detach, keep, noSubreaper })
    ended = !stays
    return status
  } finally {
    if (bundle === undefined) removeDirectory(directory)
    else if (ended) deleteBundle(bundle)
    place.release()
  }
}

/** @throws UsageError */
function assertPossible({ bundle, rm, keep, detach, pull }: Values): void {
  if (bundle !== undefined) throw new UsageError('--bundle does not go with --image, which makes a bundle')
  if (rm && keep) throw new UsageError('--rm does not go with --keep')
  if (rm && detach)
    throw new UsageError('--rm does not go with --detach: nobody waits for the end, which is tsrun delete')
  if (pull !== undefined && !['missing', 'always', 'never'].includes(pull))
    throw new UsageError(`invalid value for --pull: ${JSON.stringify(pull)}: missing, always or never`)
}

/** That of the store, or as --pull says that of the registry. @throws ImageError */
async function imageOf(store: ImageStore, options: Values, limits: LayerLimits): Promise<Digest> {
  const { image = '', pull = 'missing', insecure } = options
  if (pull === 'never') return findImage(store, image)
  const found = pull === 'missing' ? findImageIfAny(store, image) : undefined
  return found ?? (await (await import('./pull-image.js')).pullImage(store, image, { insecure, limits })).digest
}

/** Says which image it is; the end of the directory's name is nobody else's. */
function newId(image: string, directory: string): string {
  const name = image
    .replace(/@.*$/, '')
    .replace(/:[^/]*$/, '')
    .replace(/^.*\//, '')
  return `${name.replace(/[^\w+.-]/g, '') || 'image'}-${directory.slice(directory.lastIndexOf('/') + 1)}`
}
