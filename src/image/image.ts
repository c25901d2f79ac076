/** Images: one that is in the store: found by name or digest, read with all that it consists of. */
import { ImageError } from '../errors.js'
import { sha256 } from '../native/binding.js'
import { type Digest, digestOf, hexOf, isDigest } from './digest.js'
import { digestOfDescriptor, type ImageConfig, type Manifest, parseImageConfig, parseManifest } from './documents.js'
import { parseReference } from './reference.js'
import type { ImageStore, Ref } from './store.js'

/** An image with its documents. */
export interface Image {
  /** Of its manifest: what the image is known by. */
  readonly digest: Digest
  readonly manifest: Manifest
  readonly config: ImageConfig
  /** Of each layer with all below it, from the lowest on (image-spec, config.md "Layer ChainID"). */
  readonly chains: readonly Digest[]
}

/** Shortest beginning of a digest that stands for it. */
const shortest = 6

/** The digest of an image by its name, its digest, or the first 6 or more digits of that. @throws ImageError */
export function findImage(store: ImageStore, text: string): Digest {
  const found = findImageIfAny(store, text)
  if (found !== undefined) return found
  throw new ImageError(`there is no image ${JSON.stringify(text)} (see: tsrun image list)`)
}

/** The same, undefined where there is none. @throws ImageError when it could be several */
export function findImageIfAny(store: ImageStore, text: string): Digest | undefined {
  const refs = store.refs()
  const digits = text.startsWith('sha256:') ? text.slice('sha256:'.length) : text
  if (/^[0-9a-f]+$/.test(digits) && digits.length >= shortest) {
    const found = new Set(refs.map(({ digest }) => digest).filter((digest) => hexOf(digest).startsWith(digits)))
    if (found.size > 1) throw new ImageError(`more than one image begins with ${JSON.stringify(text)}`)
    for (const digest of found) return digest
  }
  return isDigest(text) ? undefined : findRef(refs, text)?.digest
}

/** The name as it is, for what has no name of a registry; or completed. */
function findRef(refs: readonly Ref[], text: string): Ref | undefined {
  const exact = refs.find(({ name }) => name === text)
  if (exact !== undefined) return exact
  const { name } = parseReference(text)
  return refs.find((ref) => ref.name === name)
}

/** Reads the documents of an image of the store. @throws ImageError */
export async function readImage(store: ImageStore, digest: Digest): Promise<Image> {
  const manifest = await parseManifest(store.readText(digest, 'the manifest'), `the manifest ${digest}`)
  const configDigest = digestOfDescriptor(manifest.config)
  const config = await parseImageConfig(store.readText(configDigest, 'the config'), `the config ${configDigest}`)
  const { diff_ids: diffs } = config.rootfs
  if (diffs.length !== manifest.layers.length)
    throw new ImageError(`the image ${digest} has ${manifest.layers.length} layers, its config knows ${diffs.length}`)
  return { digest, manifest, config, chains: chainIds(diffs) }
}

/** The chain ids of diff ids. */
function chainIds(diffs: readonly string[]): Digest[] {
  const chains: Digest[] = []
  for (const diff of diffs) {
    const below = chains.at(-1)
    chains.push(below === undefined ? (diff as Digest) : digestOf(sha256(`${below} ${diff}`)))
  }
  return chains
}

/** Takes the name of an image away, or all names of one that is given by its digest. @throws ImageError */
export function removeNames(store: ImageStore, text: string): string[] {
  const held = store.use()
  try {
    const digest = findImage(store, text)
    const refs = store.refs().filter((ref) => ref.digest === digest)
    const exact = refs.filter(({ name }) => name === text || name === fullNameOf(text))
    const gone = (exact.length > 0 ? exact : refs).map(({ name }) => name)
    for (const name of gone) store.untag(name)
    return gone
  } finally {
    held.release()
  }
}

/** Of a name; a digest has none. */
function fullNameOf(text: string): string | undefined {
  try {
    return parseReference(text).name
  } catch {
    return undefined
  }
}
