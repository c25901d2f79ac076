/**
 * Images: the store, a directory: `blobs/sha256/HEX` (manifests, configs, layers as they came), `layers/sha256/HEX/fs`
 * (a layer unpacked on those below it, by its chain id), `refs/HEX.json` (what a name stands for), `bundles/HEX.json`
 * (who uses what), `ingest` (what is not whole yet), `run` (bundles of `run --image`), and `lock`: held shared by who
 * uses the store, exclusively by who removes from it.
 */
import { ImageError, StoreError } from '../errors.js'
import {
  closeFile,
  fileInfo,
  hasErrno,
  listDirectory,
  lockFile,
  makeDirectory,
  openFile,
  openFlag,
  readFile,
  readFileIfAny,
  removeFile,
  removeTree,
  renameFile,
  sameFile,
  sha256,
  storeImageBlob,
  syncPath,
  writeFile,
} from '../native/binding.js'
import { type Digest, digestOf, hexOf } from './digest.js'
import { documentLimit } from './documents.js'
import { uniqueName } from './names.js'

/** What a name stands for. */
export interface Ref {
  /** Full form (reference.ts). */
  readonly name: string
  /** Of the image's manifest. */
  readonly digest: Digest
}

/** A bundle that uses an image of the store. */
export interface BundleUse {
  readonly directory: string
  readonly digest: Digest
}

/** Something that is locked. */
export interface Held {
  release(): void
}

/** A place for work in progress. */
export interface Place extends Held {
  readonly directory: string
}

const directoryFlag = 0o200000
const folders = ['blobs', 'blobs/sha256', 'layers', 'layers/sha256', 'refs', 'bundles', 'ingest', 'run']

/** Where images are kept by default. */
export function defaultImageRoot(rootless: boolean): string {
  if (!rootless) return '/var/lib/tsrun/images'
  const { XDG_DATA_HOME: data = '', HOME: home = '' } = process.env
  if (data.startsWith('/')) return `${data}/tsrun/images`
  if (home.startsWith('/')) return `${home}/.local/share/tsrun/images`
  throw new ImageError('there is no place for images: neither HOME nor XDG_DATA_HOME is set (or say --image-root)')
}

/** Makes a directory with those above it. @throws SyscallError */
export function makeDirectories(path: string, mode: number): void {
  try {
    makeDirectory(path, mode)
  } catch (error) {
    if (hasErrno(error, 'EEXIST')) return
    const above = path.slice(0, path.lastIndexOf('/'))
    if (!hasErrno(error, 'ENOENT') || above === '') throw error
    makeDirectories(above, mode)
    makeDirectories(path, mode)
  }
}

/** The store of images below a directory. */
export class ImageStore {
  readonly root: string

  /** `root` is absolute; it is made by the first that writes. */
  constructor(root: string) {
    this.root = root
  }

  blob = (digest: Digest): string => `${this.root}/blobs/sha256/${hexOf(digest)}`
  layer = (chain: Digest): string => `${this.root}/layers/sha256/${hexOf(chain)}`
  has = (digest: Digest): boolean => fileInfo(this.blob(digest)) !== undefined

  /** Makes what is missing of it, and keeps others from removing anything. @throws StoreError */
  use(): Held {
    return this.#lock({ shared: true })
  }

  /** The store alone, for who removes from it. @throws StoreError */
  own(): Held {
    return this.#lock({ shared: false })
  }

  #lock(options: { shared: boolean }): Held {
    try {
      const fd = this.#openLock()
      try {
        lockFile(fd, { wait: true, ...options })
      } catch (error) {
        closeFile(fd)
        throw error
      }
      return { release: () => closeFile(fd) }
    } catch (cause) {
      throw new StoreError(`cannot use the images at ${JSON.stringify(this.root)}`, this.root, { cause })
    }
  }

  #openLock(): number {
    const path = `${this.root}/lock`
    try {
      return openFile(path, openFlag.write)
    } catch (error) {
      if (!hasErrno(error, 'ENOENT')) throw error
    }
    makeDirectories(this.root, 0o711)
    for (const folder of folders) makeDirectories(`${this.root}/${folder}`, 0o711)
    return openFile(path, openFlag.write | openFlag.create)
  }

  /**
   * A place in `ingest` that nobody else has: what a dead owner has left there is the caller's to remove. Waits for
   * an owner that lives. @throws SyscallError
   */
  ingest(name: string): Place {
    for (;;) {
      const opened = this.#openIngest(name)
      lockFile(opened.fd, { wait: true })
      const place = this.#placeOf(opened)
      if (place !== undefined) return place
    }
  }

  /** The same, where `lock` waits in its own way. @throws SyscallError, what `lock` throws */
  async ingestWith(name: string, lock: (fd: number) => Promise<void>): Promise<Place> {
    for (;;) {
      const opened = this.#openIngest(name)
      await lock(opened.fd)
      const place = this.#placeOf(opened)
      if (place !== undefined) return place
    }
  }

  #openIngest(name: string): { directory: string; fd: number } {
    const directory = `${this.root}/ingest/${name}`
    for (;;) {
      makeDirectories(directory, 0o711)
      try {
        return { directory, fd: openFile(directory, directoryFlag) }
      } catch (error) {
        if (!hasErrno(error, 'ENOENT')) throw error
      }
    }
  }

  /** Nothing where the owner before has been done and has removed it. */
  #placeOf({ directory, fd }: { directory: string; fd: number }): Place | undefined {
    if (sameFile(`/proc/self/fd/${fd}`, directory)) return { directory, release: () => closeFile(fd) }
    closeFile(fd)
    return undefined
  }

  /**
   * Stores a file or pipe as a blob, if it is the one that is wanted. @returns its digest and size
   * @throws ImageError for another digest or size, SyscallError
   */
  put(
    source: number,
    wanted: { digest?: Digest; size?: number; limit?: number; what: string },
  ): { digest: Digest; size: number } {
    const name = wanted.digest === undefined ? `blob-${uniqueName()}` : hexOf(wanted.digest)
    const place = this.ingest(name)
    try {
      if (wanted.digest !== undefined && this.has(wanted.digest))
        return { size: wanted.size ?? 0, digest: wanted.digest }
      const file = `${place.directory}/blob`
      const { digest: hex, size } = storeImageBlob(source, file, wanted.size ?? wanted.limit ?? Number.MAX_SAFE_INTEGER)
      const digest = digestOf(hex)
      try {
        if (wanted.size !== undefined && size !== wanted.size)
          throw new ImageError(`${wanted.what} has ${size} bytes, and should have ${wanted.size}`)
        if (wanted.digest !== undefined && digest !== wanted.digest)
          throw new ImageError(`${wanted.what} is not what it should be: it has the digest ${digest}`)
      } catch (error) {
        removeFile(file)
        throw error
      }
      this.#promise(file, this.blob(digest))
      return { digest, size }
    } finally {
      this.leave(place)
    }
  }

  /** Stores a text as a blob. @throws SyscallError */
  putText(text: string): { digest: Digest; size: number } {
    const digest = digestOf(sha256(text))
    const size = new TextEncoder().encode(text).length
    if (this.has(digest)) return { digest, size }
    const place = this.ingest(hexOf(digest))
    try {
      writeFile(`${place.directory}/blob`, text, openFlag.write | openFlag.create | openFlag.truncate)
      syncPath(`${place.directory}/blob`)
      this.#promise(`${place.directory}/blob`, this.blob(digest))
      return { digest, size }
    } finally {
      this.leave(place)
    }
  }

  /** The rename that promises a file: what it names must be on the disk before, and itself after. */
  #promise(from: string, to: string): void {
    renameFile(from, to)
    syncPath(to.slice(0, to.lastIndexOf('/')))
  }

  /** Gives a place in `ingest` back, whatever is in it. */
  leave(place: Place): void {
    removeTree(place.directory)
    place.release()
  }

  /** A manifest, an index or a config. @throws ImageError when it is missing or broken */
  readText(digest: Digest, what: string): string {
    const text = readFileIfAny(this.blob(digest))
    if (text === undefined) throw new ImageError(`${what} ${digest} is not in the store ${this.root}`)
    if (text.length > documentLimit || sha256(text) !== hexOf(digest))
      throw new ImageError(`${what} ${digest} in the store ${this.root} is damaged`)
    return text
  }

  /** Lets a name stand for an image. @throws SyscallError */
  tag(ref: Ref): void {
    this.#record(`refs/${sha256(ref.name)}.json`, ref)
  }

  /** @throws SyscallError */
  untag(name: string): void {
    removeFile(`${this.root}/refs/${sha256(name)}.json`)
  }

  /** All names, sorted. @throws StoreError */
  refs(): Ref[] {
    return this.#records<Ref>('refs').sort((one, other) => (one.name < other.name ? -1 : 1))
  }

  /** Notes that a bundle uses an image. @throws SyscallError */
  addUse(use: BundleUse): void {
    this.#record(`bundles/${sha256(use.directory)}.json`, use)
  }

  /** @throws SyscallError */
  removeUse(directory: string): void {
    removeFile(`${this.root}/bundles/${sha256(directory)}.json`)
  }

  /** @throws StoreError */
  uses(): BundleUse[] {
    return this.#records<BundleUse>('bundles')
  }

  #record(name: string, value: object): void {
    const place = this.ingest(`record-${uniqueName()}`)
    try {
      const file = `${place.directory}/record`
      writeFile(file, JSON.stringify(value), openFlag.write | openFlag.create)
      syncPath(file)
      this.#promise(file, `${this.root}/${name}`)
    } finally {
      this.leave(place)
    }
  }

  #records<T>(folder: string): T[] {
    const names = fileInfo(`${this.root}/${folder}`) === undefined ? [] : listDirectory(`${this.root}/${folder}`)
    return names.flatMap((name) => {
      const path = `${this.root}/${folder}/${name}`
      try {
        return [JSON.parse(readFile(path)) as T]
      } catch (cause) {
        if (hasErrno(cause, 'ENOENT')) return []
        throw new StoreError(`cannot read ${JSON.stringify(path)}`, path, { cause })
      }
    })
  }
}
