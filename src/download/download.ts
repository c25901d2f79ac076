/** Download: downloads what an image consists of into a store: each blob once, whoever asks for it at the same time. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rename, stat, truncate } from 'node:fs/promises'
import { ImageError } from '../errors.js'
import { type Digest, digestOf, hexOf } from '../image/digest.js'
import {
  type Descriptor,
  digestOfDescriptor,
  documentLimit,
  isIndex,
  parseIndex,
  parseManifest,
} from '../image/documents.js'
import { choose, type Platform } from '../image/platform.js'
import type { Reference } from '../image/reference.js'
import type { ImageStore } from '../image/store.js'
import { lockFile, sha256, syncPath } from '../native/binding.js'
import { lockInBackground } from '../native/event-loop.js'
import { Progress } from './progress.js'
import { Registry } from './registry.js'

/** How an image is downloaded. */
export interface DownloadOptions {
  readonly platform: Platform
  readonly insecure: boolean
}

/** Connections at a time, and attempts for a blob: each goes on where the one before has ended. */
const parallel = 4
const attempts = 5

/** Downloads an image; the digest of its manifest. @throws ImageError, UsageError, StoreError */
export async function download(store: ImageStore, reference: Reference, options: DownloadOptions): Promise<Digest> {
  const registry = new Registry(reference, options)
  const held = store.use()
  try {
    const { digest, text } = await findManifest(registry, store, reference, options)
    const manifest = await parseManifest(text, `the manifest ${digest}`)
    if (manifest.config.size > documentLimit) throw new ImageError(`the config has ${manifest.config.size} bytes`)
    const missing = unique([manifest.config, ...manifest.layers]).filter((one) => !store.has(digestOfDescriptor(one)))
    const progress = new Progress(
      process.stderr,
      missing.reduce((sum, { size }) => sum + size, 0),
    )
    try {
      await atOnce(missing, (one) => fetchBlob(registry, store, one, progress))
    } finally {
      progress.end()
    }
    return digest
  } finally {
    held.release()
  }
}

const unique = (blobs: readonly Descriptor[]): Descriptor[] => [
  ...new Map(blobs.map((one) => [one.digest, one])).values(),
]

/** By an index to the manifest for the platform; what is asked for by its digest must have it. */
async function findManifest(
  registry: Registry,
  store: ImageStore,
  reference: Reference,
  { platform }: DownloadOptions,
): Promise<{ digest: Digest; text: string }> {
  let wanted: Digest | undefined = reference.digest
  // An index may name another, and so on: not for ever.
  for (let depth = 0; depth < 4; depth++) {
    const { text, type } = await registry.manifest(wanted ?? reference.tag)
    const digest = digestOf(sha256(text))
    if (wanted !== undefined && digest !== wanted)
      throw new ImageError(`the registry gave another manifest than ${wanted}: ${digest}`)
    if (!isIndex(type)) {
      store.putText(text)
      return { digest, text }
    }
    const { manifests } = await parseIndex(text, `the index ${digest}`)
    wanted = digestOfDescriptor(choose(manifests, platform, reference.name))
  }
  throw new ImageError(`${reference.name} is an index of an index of an index, and so on`)
}

/** Works on so many items at once; after a failure no more are begun. */
async function atOnce<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items]
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      try {
        await work(item)
      } catch (error) {
        queue.length = 0
        throw error
      }
    }
  }
  const results = await Promise.allSettled(Array.from({ length: parallel }, worker))
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

async function fetchBlob(registry: Registry, store: ImageStore, blob: Descriptor, progress: Progress): Promise<void> {
  const digest = digestOfDescriptor(blob)
  const place = await store.ingestWith(hexOf(digest), waitForLock)
  const file = `${place.directory}/blob`
  let whole = false
  try {
    // Another process may have been there meanwhile.
    whole = store.has(digest)
    if (whole) {
      progress.add(blob.size)
      return
    }
    for (let attempt = 1; !whole; attempt++) {
      try {
        await fetchRest(registry, blob, file, progress)
        whole = true
      } catch (error) {
        if (attempt === attempts || error instanceof ImageError) throw error
      }
    }
    syncPath(file)
    await rename(file, store.blob(digest))
    syncPath(`${store.root}/blobs/sha256`)
  } finally {
    // What has come of it stays, for the next one to go on with.
    if (whole) store.leave(place)
    else place.release()
  }
}

/** Goes on with what is there already. @throws ImageError when it is another blob, which is forgotten */
async function fetchRest(registry: Registry, blob: Descriptor, file: string, progress: Progress): Promise<void> {
  const hash = createHash('sha256')
  let size = await sizeOf(file)
  if (size > blob.size) size = 0
  const answer = await (size === blob.size && size > 0
    ? { from: size, body: [] }
    : registry.blob(blob.digest, size, blob.urls ?? []))
  size = answer.from
  const target = await open(file, 'a')
  try {
    await truncate(file, size)
    if (size > 0) for await (const part of createReadStream(file) as AsyncIterable<Buffer>) hash.update(part)
    progress.add(size)
    for await (const part of answer.body) {
      size += part.length
      if (size > blob.size) throw new ImageError(`the blob ${blob.digest} has more than its ${blob.size} bytes`)
      hash.update(part)
      await target.write(part)
      progress.add(part.length)
    }
    if (size < blob.size) throw new Error(`the connection has ended ${blob.size - size} bytes too early`)
    const found = `sha256:${hash.digest('hex')}`
    if (found !== blob.digest)
      throw new ImageError(`the blob ${blob.digest} is not what it should be: it has the digest ${found}`)
  } catch (error) {
    progress.add(-size)
    if (error instanceof ImageError) await truncate(file, 0)
    throw error
  } finally {
    await target.close()
  }
}

/** A blocking call would stop the other downloads. */
async function waitForLock(fd: number): Promise<void> {
  if (!lockFile(fd, { wait: false })) await lockInBackground(fd)
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch {
    return 0
  }
}
