/** Images: names of blobs by what is in them (image-spec, descriptor.md "Digests"). Pure. */
import { ImageError } from '../errors.js'

declare const brand: unique symbol

/** `sha256:` and 64 hexadecimal digits. */
export type Digest = string & { readonly [brand]: 'digest' }

/** True for a text that is a digest. */
export const isDigest = (text: string): text is Digest => /^sha256:[0-9a-f]{64}$/.test(text)

/** The digest in a text. @throws ImageError */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text
  throw new ImageError(`${JSON.stringify(text)} is no digest that tsrun knows: it takes sha256`)
}

/** The digest with these hexadecimal digits. @throws ImageError */
export const digestOf = (hex: string): Digest => parseDigest(`sha256:${hex}`)

/** Its hexadecimal digits. */
export const hexOf = (digest: Digest): string => digest.slice('sha256:'.length)
