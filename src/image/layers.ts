/**
 * Images: layers, each unpacked once, on those below it. They lie there as overlayfs wants them; where there is none,
 * each is a whole tree: a copy of the one below with its own changes.
 */
import { ImageError } from '../errors.js'
import {
  attachMount,
  closeFile,
  copyTree,
  fileInfo,
  hasErrno,
  makeDirectory,
  openFile,
  openFlag,
  openOverlay,
  removeTree,
  renameFile,
  syncPath,
  unpackArchive,
  writeFile,
} from '../native/binding.js'
import { type Digest, digestOf, hexOf } from './digest.js'
import { digestOfDescriptor } from './documents.js'
import type { Image } from './image.js'
import type { ImageStore } from './store.js'

/** What a layer may have at most. */
export interface LayerLimits {
  /** Of its tar, and of its files with their holes. */
  readonly maxBytes: number
  readonly maxEntries: number
}

/** Enough for every image that people make, and not for one that fills a disk. */
export const defaultLimits: LayerLimits = { maxBytes: 64 * 2 ** 30, maxEntries: 1_000_000 }

/** How this process may unpack. */
export interface Rights {
  /** Root of a user namespace: no devices, and attributes of its own for overlayfs. */
  readonly inUserNamespace: boolean
}

const directoryFlag = 0o200000
/** Beside `fs` of a layer: it is a whole tree. */
const wholeMark = 'whole'

/** True when a layer holds all that is below it, too. */
export const isWhole = (store: ImageStore, chain: Digest): boolean =>
  fileInfo(`${store.layer(chain)}/${wholeMark}`) !== undefined

/** Unpacks the layers of an image that are not yet. The store is in use. @throws ImageError, SyscallError */
export function ensureLayers(store: ImageStore, image: Image, rights: Rights, limits: LayerLimits): void {
  const missing = (chain: Digest): boolean => fileInfo(store.layer(chain)) === undefined
  image.chains.forEach((chain, place) => {
    if (!missing(chain)) return
    const ingest = store.ingest(hexOf(chain))
    try {
      // Another process may have been faster.
      if (missing(chain)) unpackLayer(store, image, place, ingest.directory, rights, limits)
    } finally {
      store.leave(ingest)
    }
  })
}

function unpackLayer(
  store: ImageStore,
  image: Image,
  place: number,
  ingest: string,
  rights: Rights,
  limits: LayerLimits,
): void {
  const chain = image.chains[place] as Digest
  const descriptor = image.manifest.layers[place] as Image['manifest']['layers'][number]
  const digest = digestOfDescriptor(descriptor)
  if (!store.has(digest)) throw new ImageError(missingLayer(digest, descriptor.urls))
  // What a killed one has left.
  for (const name of ['layer', 'work']) removeTree(`${ingest}/${name}`)
  makeDirectory(`${ingest}/layer`, 0o711)
  makeDirectory(`${ingest}/layer/fs`, 0o755)
  makeDirectory(`${ingest}/work`, 0o700)
  const below = image.chains.slice(0, place)
  const root = openRoot(store, below, ingest, rights)
  try {
    unpackBlob(store.blob(digest), root, image.config.rootfs.diff_ids[place] as string, rights, limits)
  } catch (cause) {
    throw cause instanceof ImageError ? inLayer(digest, cause) : cause
  } finally {
    closeFile(root)
  }
  // The rename promises all that is in the layer.
  syncPath(ingest, { fileSystem: true })
  renameFile(`${ingest}/layer`, store.layer(chain))
  syncPath(`${store.root}/layers/sha256`)
}

const inLayer = (digest: Digest, { message, entry }: ImageError): ImageError =>
  new ImageError(`layer ${digest}: ${message}`, entry === undefined ? {} : { entry })

const missingLayer = (digest: Digest, urls: readonly string[] = []): string =>
  urls.length === 0
    ? `the layer ${digest} is missing`
    : `the layer ${digest} is not part of the image: it is to be had from ${urls.join(' or ')}`

/** The directory that a layer is unpacked into: empty, or with all that is below. */
function openRoot(store: ImageStore, below: readonly Digest[], ingest: string, rights: Rights): number {
  const upper = `${ingest}/layer/fs`
  if (below.length === 0) return openFile(upper, directoryFlag)
  try {
    return openOverlay({
      ...{ lowers: lowersOf(store, below), upper, work: `${ingest}/work` },
      ...{ user: rights.inUserNamespace, passing: true, grows: true },
    })
  } catch (error) {
    if (!hasNoOverlay(error)) throw error
  }
  copyStack(store, below, `${ingest}/layer/fs`, rights)
  writeFile(`${ingest}/layer/${wholeMark}`, '', openFlag.write | openFlag.create)
  return openFile(upper, directoryFlag)
}

/** Directories of layers as overlayfs takes them: the topmost first, down to one that is whole. */
export function lowersOf(store: ImageStore, chains: readonly Digest[]): string[] {
  const from = chains.findLastIndex((chain) => isWhole(store, chain))
  return chains
    .slice(Math.max(from, 0))
    .map((chain) => `${store.layer(chain)}/fs`)
    .reverse()
}

/**
 * No overlayfs in this kernel (ENODEV), not for this user (EPERM), not on this file system (EINVAL, EOPNOTSUPP), or not
 * of so many layers (E2BIG).
 */
export const hasNoOverlay = (error: unknown): boolean =>
  ['ENODEV', 'EPERM', 'EINVAL', 'EOPNOTSUPP', 'E2BIG'].some((name) => hasErrno(error, name))

/** Copies what layers make together. @throws ImageError where that cannot be seen without overlayfs */
export function copyStack(store: ImageStore, chains: readonly Digest[], to: string, rights: Rights): void {
  const lowers = lowersOf(store, chains)
  const [lowest] = lowers
  if (lowest === undefined) return
  if (lowers.length === 1) {
    copyTree(lowest, to)
    return
  }
  const stack = openStack(lowers, rights)
  try {
    copyTree(`/proc/self/fd/${stack}`, to)
  } finally {
    closeFile(stack)
  }
}

function openStack(lowers: readonly string[], { inUserNamespace }: Rights): number {
  try {
    return openOverlay({ lowers, upper: '', work: '', user: inUserNamespace, passing: false, grows: false })
  } catch (cause) {
    if (!hasNoOverlay(cause)) throw cause
    const message = 'the layers of this image were unpacked for overlayfs, which cannot be used now'
    throw new ImageError(message, { cause })
  }
}

function unpackBlob(path: string, root: number, diff: string, rights: Rights, limits: LayerLimits): void {
  const blob = openFile(path, openFlag.read)
  try {
    const found = digestOf(unpackArchive({ blob, root, layer: true, devices: !rights.inUserNamespace, ...limits }))
    if (found !== diff)
      throw new ImageError(`it is not what its image says: unpacked it has the digest ${found}, not ${diff}`)
  } finally {
    closeFile(blob)
  }
}

/** Puts an overlay of these layers at a path, changed only in `upper`. @throws SyscallError */
export function mountLayers(
  lowers: readonly string[],
  at: { readonly upper: string; readonly work: string; readonly path: string; readonly passing: boolean },
  rights: Rights,
): void {
  const { upper, work, passing } = at
  const mount = openOverlay({ lowers, upper, work, passing, user: rights.inUserNamespace, grows: false })
  try {
    attachMount(mount, at.path)
  } finally {
    closeFile(mount)
  }
}
