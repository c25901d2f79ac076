/** Images: removes from the store what no name and no bundle needs, and what dead processes have left. */
import { closeFile, fileInfo, listDirectory, lockFile, openFile, removeFile, removeTree } from '../native/binding.js'
import { type Digest, hexOf, parseDigest } from './digest.js'
import { readImage } from './image.js'
import { deleteBundle, isStale } from './bundle.js'
import type { ImageStore } from './store.js'

/** What has gone: how many of each. */
export interface Collected {
  readonly blobs: number
  readonly layers: number
  /** Unfinished work of processes that are gone. */
  readonly unfinished: number
  readonly bundles: number
}

const directoryFlag = 0o200000

/** Collects what nobody needs. Waits for those who use the store. @throws ImageError, StoreError, SyscallError */
export async function collectGarbage(store: ImageStore): Promise<Collected> {
  const held = store.own()
  try {
    const bundles = removeStale(store)
    const { blobs, layers } = await needed(store)
    return {
      bundles,
      layers: sweep(`${store.root}/layers/sha256`, layers, removeTree),
      blobs: sweep(`${store.root}/blobs/sha256`, blobs, removeFile),
      unfinished: removeUnfinished(store),
    }
  } finally {
    held.release()
  }
}

/** Bundles that have been removed by other means, and those of `run --image` that nobody waits for any more. */
function removeStale(store: ImageStore): number {
  let count = 0
  for (const { directory } of store.uses()) {
    if (fileInfo(directory) !== undefined && !isStale(store, directory)) continue
    if (fileInfo(directory) === undefined) store.removeUse(directory)
    else deleteBundle(directory)
    count++
  }
  return count + removeEmpty(store)
}

/** Places of bundles that were never made: without a record. */
function removeEmpty(store: ImageStore): number {
  const places = listDirectory(`${store.root}/run`).map((name) => `${store.root}/run/${name}`)
  const empty = places.filter((path) => isStale(store, path))
  for (const path of empty) removeTree(path)
  return empty.length
}

/** Hexadecimal digits of all that is in use. An image that cannot be read keeps nothing but its manifest. */
async function needed(store: ImageStore): Promise<{ blobs: Set<string>; layers: Set<string> }> {
  const blobs = new Set<string>()
  const layers = new Set<string>()
  for (const { digest } of [...store.refs(), ...store.uses()]) {
    const { manifest, chains } = await readImage(store, digest)
    for (const one of [digest, ...[manifest.config, ...manifest.layers].map((part) => parseDigest(part.digest))])
      blobs.add(hexOf(one))
    for (const chain of chains) layers.add(hexOf(chain))
  }
  return { blobs, layers }
}

function sweep(folder: string, keep: ReadonlySet<string>, remove: (path: string) => void): number {
  const gone = listDirectory(folder).filter((name) => !keep.has(name))
  for (const name of gone) remove(`${folder}/${name}`)
  return gone.length
}

/** Whoever works there holds the lock of its place. */
function removeUnfinished(store: ImageStore): number {
  let count = 0
  for (const name of listDirectory(`${store.root}/ingest`)) {
    const path = `${store.root}/ingest/${name}`
    const fd = openFile(path, fileInfo(path)?.type === 'directory' ? directoryFlag : 0)
    try {
      if (!lockFile(fd, { wait: false })) continue
      removeTree(path)
      count++
    } finally {
      closeFile(fd)
    }
  }
  return count
}

/** Names that stand for an image, or the digest itself for an image without one. */
export const namesOf = (store: ImageStore, digest: Digest): string[] =>
  store.refs().flatMap((ref) => (ref.digest === digest ? [ref.name] : []))
