/** Images: into the store from an OCI layout or from what `docker save` writes, as a directory or as a tar. */
import { ImageError } from '../errors.js'
import {
  closeFile,
  machineName,
  openInRoot,
  readTail,
  unpackArchive,
  makeDirectory,
  openFile,
  removeTree,
} from '../native/binding.js'
import type { Digest } from './digest.js'
import {
  type Descriptor,
  digestOfDescriptor,
  documentLimit,
  isImage,
  isIndex,
  type Manifest,
  mediaType,
  parseImageConfig,
  parseIndex,
  parseManifest,
  parseSaved,
} from './documents.js'
import { readImage } from './image.js'
import { ensureLayers, type LayerLimits, type Rights } from './layers.js'
import { uniqueName } from './names.js'
import { choose, type Platform, platformOfMachine } from './platform.js'
import { parseReference } from './reference.js'
import type { ImageStore, Ref } from './store.js'

/** How images are imported. */
export interface ImportOptions {
  /** In the place of the names that the images have. */
  readonly name?: string
  /** Of an index of several; default: this machine's. */
  readonly platform?: Platform
  readonly limits: LayerLimits
  readonly rights: Rights
}

/** An image that is in the store now; without a name only its digest leads to it. */
export type Imported = Pick<Ref, 'digest'> & Partial<Ref>

const directoryFlag = 0o200000
/** image-spec, annotations.md, and what containerd and Docker write beside it. */
const nameAnnotations = ['io.containerd.image.name', 'org.opencontainers.image.ref.name']

/** Imports all images of a directory. @throws ImageError, SyscallError */
export async function importDirectory(
  store: ImageStore,
  directory: string,
  options: ImportOptions,
): Promise<Imported[]> {
  const held = store.use()
  try {
    return await new Import(store, directory, options).run()
  } finally {
    held.release()
  }
}

/** Imports all images of an archive, which may be a pipe. @throws ImageError, SyscallError */
export async function importArchive(store: ImageStore, archive: number, options: ImportOptions): Promise<Imported[]> {
  const held = store.use()
  try {
    const place = store.ingest(`import-${uniqueName()}`)
    try {
      const directory = `${place.directory}/archive`
      removeTree(directory)
      makeDirectory(directory, 0o700)
      unpackTo(archive, directory, options)
      return await new Import(store, directory, options).run()
    } finally {
      store.leave(place)
    }
  } finally {
    held.release()
  }
}

function unpackTo(blob: number, directory: string, { limits }: ImportOptions): void {
  const root = openFile(directory, directoryFlag)
  try {
    unpackArchive({ blob, root, layer: false, devices: false, ...limits })
  } finally {
    closeFile(root)
  }
}

class Import {
  readonly #store: ImageStore
  readonly #directory: string
  readonly #options: ImportOptions

  constructor(store: ImageStore, directory: string, options: ImportOptions) {
    this.#store = store
    this.#directory = directory
    this.#options = options
  }

  async run(): Promise<Imported[]> {
    const index = this.#readIfAny('index.json')
    const saved = index === undefined ? this.#readIfAny('manifest.json') : undefined
    if (index === undefined && saved === undefined)
      throw new ImageError(
        'this is no image: there is neither an index.json (OCI layout) nor a manifest.json (docker save)',
      )
    const found = index === undefined ? await this.#saved(saved ?? '') : await this.#layout(index)
    if (found.length === 0) throw new ImageError('there is no image in it')
    const { name } = this.#options
    if (name !== undefined && found.length > 1)
      throw new ImageError(`there are ${found.length} images in it, for one name`)
    const named = name === undefined ? found : found.map((one) => ({ ...one, name: parseReference(name).name }))
    const { rights, limits } = this.#options
    for (const { digest } of named) ensureLayers(this.#store, await readImage(this.#store, digest), rights, limits)
    // Names come last: they stand for what is whole.
    for (const one of named) this.#store.tag({ digest: one.digest, name: one.name ?? one.digest })
    return named
  }

  /** image-spec, image-layout.md. */
  async #layout(text: string): Promise<Imported[]> {
    const { manifests } = await parseIndex(text, 'index.json')
    const found: Imported[] = []
    for (const one of manifests.filter(isImage)) {
      const digest = await this.#image(one)
      const label = nameAnnotations
        .map((key) => one.annotations?.[key])
        .find((value) => value !== undefined && value !== '')
      found.push({ digest, ...(label === undefined ? {} : { name: fullName(label) }) })
    }
    return found
  }

  async #image(descriptor: Descriptor): Promise<Digest> {
    const digest = this.#blob(descriptor, 'manifest')
    const text = this.#store.readText(digest, 'the manifest')
    if (isIndex(descriptor.mediaType)) {
      const { manifests } = await parseIndex(text, `the index ${digest}`)
      return this.#image(choose(manifests, this.#platform(), `the index ${digest}`))
    }
    const manifest = await parseManifest(text, `the manifest ${digest}`)
    this.#blob(manifest.config, 'config')
    for (const layer of manifest.layers) this.#blob(layer, 'layer')
    return digest
  }

  #platform(): Platform {
    return this.#options.platform ?? platformOfMachine(machineName())
  }

  #blob(descriptor: Descriptor, kind: string): Digest {
    const digest = digestOfDescriptor(descriptor)
    const what = `the ${kind} ${digest}`
    if (this.#store.has(digest)) return digest
    if (kind !== 'layer' && descriptor.size > documentLimit)
      throw new ImageError(`${what} has ${descriptor.size} bytes`)
    const file = this.#open(`blobs/${digest.replace(':', '/')}`)
    if (file < 0) throw new ImageError(missing(what, descriptor))
    try {
      return this.#store.put(file, { digest, size: descriptor.size, what }).digest
    } finally {
      closeFile(file)
    }
  }

  /** manifest.json of `docker save` and `podman save`: from it comes the manifest of an image. */
  async #saved(text: string): Promise<Imported[]> {
    const found: Imported[] = []
    for (const { Config: configPath, Layers: layerPaths, RepoTags: tags } of await parseSaved(text, 'manifest.json')) {
      const config = this.#put(configPath, documentLimit)
      const { rootfs } = await parseImageConfig(
        this.#store.readText(config.digest, 'the config'),
        `the config ${configPath}`,
      )
      const layers = layerPaths.map((path, place) => {
        const { digest, size } = this.#put(path)
        const type = digest === rootfs.diff_ids[place] ? mediaType.layer : `${mediaType.layer}+gzip`
        return { mediaType: type, digest, size }
      })
      const manifest: Manifest & { schemaVersion: number } = {
        ...{ schemaVersion: 2, mediaType: mediaType.manifest, layers },
        config: { mediaType: mediaType.config, ...config },
      }
      const { digest } = this.#store.putText(JSON.stringify(manifest))
      const names = tags === undefined || tags.length === 0 ? [undefined] : tags
      found.push(...names.map((name) => ({ digest, ...(name === undefined ? {} : { name: fullName(name) }) })))
    }
    return found
  }

  #put(path: string, limit?: number): { digest: Digest; size: number } {
    const file = this.#open(path)
    if (file < 0) throw new ImageError(`${JSON.stringify(path)} is missing`)
    try {
      return this.#store.put(file, { what: JSON.stringify(path), ...(limit === undefined ? {} : { limit }) })
    } finally {
      closeFile(file)
    }
  }

  /** Names in an image are not trusted: a link of it leads nowhere else. */
  #open(path: string): number {
    return openInRoot(this.#directory, path)
  }

  #readIfAny(path: string): string | undefined {
    const file = this.#open(path)
    if (file < 0) return undefined
    try {
      const text = readTail(file, documentLimit + 1)
      if (text.length > documentLimit)
        throw new ImageError(`${JSON.stringify(path)} has more than ${documentLimit} bytes`)
      return text
    } finally {
      closeFile(file)
    }
  }
}

/** Layouts name their images as they like, `latest` for example. */
function fullName(label: string): string {
  try {
    return parseReference(label).name
  } catch {
    return label
  }
}

const missing = (what: string, { urls = [] }: Descriptor): string =>
  urls.length === 0
    ? `${what} is missing`
    : `${what} is not part of the image: it is to be had from ${urls.join(' or ')}`
