/** Images: all that have a name, with what people want to know of them. */
import type { Digest } from './digest.js'
import { readImage } from './image.js'
import type { ImageStore } from './store.js'

/** One name of an image. */
export interface ListedImage {
  readonly name: string
  readonly digest: Digest
  /** Bytes of its layers as they came. */
  readonly size: number
  /** When it was made, RFC 3339; empty where it does not say. */
  readonly created: string
  /** `linux/amd64`, for example. */
  readonly platform: string
}

/** All images with a name, sorted by that. @throws ImageError, StoreError */
export async function listImages(store: ImageStore): Promise<ListedImage[]> {
  const images: ListedImage[] = []
  for (const { name, digest } of store.refs()) {
    const { manifest, config } = await readImage(store, digest)
    const size = manifest.layers.reduce((sum, layer) => sum + layer.size, 0)
    const { created = '', os, architecture, variant } = config
    images.push({ name, digest, size, created, platform: [os, architecture, variant ?? []].flat().join('/') })
  }
  return images
}
