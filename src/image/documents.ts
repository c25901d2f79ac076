/** Images: manifest, index and config of image-spec and of Docker, checked and reduced to what tsrun uses. Pure. */
import { readAs } from '../config/document.js'
import { parseJson } from '../config/json.js'
import { lazily, list, map, object, type Shape, type TypeOf } from '../config/schema/shape.js'
import { integer } from '../config/schema/shape.js'
import { text, textMap, texts } from '../config/schema/values.js'
import { ConfigError, ImageError } from '../errors.js'
import { type Digest, parseDigest } from './digest.js'

const free = map<unknown>({ kind: 'value', test: () => true, expected: '' })
const size = integer(0, Number.MAX_SAFE_INTEGER)
const platform = object({ os: text, architecture: text }, { variant: text })
const descriptor = object({ mediaType: text, digest: text, size }, { annotations: textMap, platform, urls: texts })
const manifestShape = lazily(() =>
  object({ config: descriptor, layers: list(descriptor) }, { mediaType: text, annotations: textMap }),
)
const indexShape = lazily(() => object({ manifests: list(descriptor) }, { mediaType: text }))
const configShape = lazily(() =>
  object(
    { os: text, architecture: text, rootfs: object({ type: text, diff_ids: texts }, {}) },
    {
      ...{ variant: text, author: text, created: text, 'os.version': text },
      config: object(
        {},
        {
          ...{ User: text, WorkingDir: text, StopSignal: text, Env: texts, Entrypoint: texts, Cmd: texts },
          ...{ ExposedPorts: free, Volumes: free, Labels: textMap },
        },
      ),
    },
  ),
)
/** manifest.json of `docker save`. */
const savedShape = lazily(() => list(object({ Config: text, Layers: texts }, { RepoTags: texts })))

/** What is known of a blob (image-spec, descriptor.md). */
export type Descriptor = TypeOf<typeof descriptor>
/** The parts of an image (image-spec, manifest.md). */
export type Manifest = TypeOf<ReturnType<typeof manifestShape>>
/** Several images, of platforms or of a layout (image-spec, image-index.md). */
export type ImageIndex = TypeOf<ReturnType<typeof indexShape>>
/** How an image is run (image-spec, config.md). */
export type ImageConfig = TypeOf<ReturnType<typeof configShape>>
/** Entries of manifest.json in the archive of `docker save`. */
export type SavedImages = TypeOf<ReturnType<typeof savedShape>>

/** Media types that tsrun writes, and those that tell an index from a manifest. */
export const mediaType = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
} as const

/** Bytes that a manifest, an index or a config may have. */
export const documentLimit = 4 << 20

async function read<T>(shape: Shape<T>, json: string, what: string): Promise<T> {
  try {
    return await readAs(shape, parseJson(json, what))
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause
    const problems = cause.issues.map(({ pointer, message }) => `${pointer || '/'}: ${message}`).join('; ')
    throw new ImageError(problems === '' ? cause.message : `${what} is none: ${problems}`)
  }
}

/** @throws ImageError that calls it `what` */
export const parseManifest = (json: string, what: string): Promise<Manifest> => read(manifestShape(), json, what)
/** @throws ImageError that calls it `what` */
export const parseIndex = (json: string, what: string): Promise<ImageIndex> => read(indexShape(), json, what)
/** @throws ImageError that calls it `what` */
export const parseSaved = (json: string, what: string): Promise<SavedImages> => read(savedShape(), json, what)

/** The config with its diff ids checked. @throws ImageError that calls it `what` */
export async function parseImageConfig(json: string, what: string): Promise<ImageConfig> {
  const config = await read(configShape(), json, what)
  if (config.os !== 'linux') throw new ImageError(`${what} is of an image for ${config.os}`)
  config.rootfs.diff_ids.forEach(parseDigest)
  return config
}

/** True for the descriptor of an index; one without a known type is looked at. */
export const isIndex = (type: string): boolean => type === mediaType.index || type === mediaType.dockerIndex

/** True for what is an image, and not a signature or an attestation beside one. */
export const isImage = ({ platform: found, mediaType: type }: Descriptor): boolean =>
  (type === mediaType.manifest || type === mediaType.dockerManifest || isIndex(type)) && found?.os !== 'unknown'

/** Digest of a descriptor. @throws ImageError */
export const digestOfDescriptor = (one: Descriptor): Digest => parseDigest(one.digest)
