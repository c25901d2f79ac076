/** Images: makes an image of what has been downloaded: its layers unpacked, a name that stands for it. */
import type { Digest } from './digest.js'
import { readImage } from './image.js'
import { ensureLayers, type LayerLimits, type Rights } from './layers.js'
import type { ImageStore } from './store.js'

/** Unpacks and names an image whose blobs are in the store. @throws ImageError, SyscallError */
export async function adoptImage(
  store: ImageStore,
  digest: Digest,
  name: string,
  { rights, limits }: { readonly rights: Rights; readonly limits: LayerLimits },
): Promise<void> {
  ensureLayers(store, await readImage(store, digest), rights, limits)
  store.tag({ name, digest })
}
