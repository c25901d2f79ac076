/** Library: images, by tsrun's own command line in processes of their own: unpacking would block the event loop. */
import { lazily, object, type Shape } from '../config/schema/shape.js'
import { flag, text, texts } from '../config/schema/values.js'
import { sigkill } from '../config/vocabulary/signals.js'
import { ImageError, UnsupportedError, UsageError } from '../errors.js'
import { runPlace } from '../image/bundle.js'
import type { ImageConfig, Manifest } from '../image/documents.js'
import type { ListedImage } from '../image/list.js'
import { defaultImageRoot, ImageStore } from '../image/store.js'
import {
  closeFile,
  fileInfo,
  memoryFile,
  packageFolder,
  processIds,
  readTail,
  signalProcess,
} from '../native/binding.js'
import { describeEnd, runHelper } from '../native/helper-process.js'
import { abortSignal, checkOptions } from './options.js'
import { eventWaiter } from './waiter.js'

/** What all functions of `images` take. */
export interface ImageOptions {
  /** Directory of the images; default /var/lib/tsrun/images, without root $XDG_DATA_HOME/tsrun/images. */
  readonly root?: string
  /** Ends the work; the call is rejected with the signal's reason then, and the store is as whole as ever. */
  readonly signal?: AbortSignal
}

/** What `pull` and `import` take. */
export interface FetchOptions extends ImageOptions {
  /** For example `linux/arm64`; default: this machine. */
  readonly platform?: string
}

/** An image that is in the store. */
export interface StoredImage {
  readonly digest: string
  /** Missing where nothing but its digest leads to it. */
  readonly name?: string
}

/** Documents of an image. */
export interface ImageDetails {
  readonly digest: string
  readonly names: readonly string[]
  readonly manifest: Manifest
  readonly config: ImageConfig
}

const resultLimit = 16 << 20

/** Options of all functions, and of each what it has besides. */
const shapeWith = (members: Readonly<Record<string, Shape<unknown>>>): (() => Shape<object>) =>
  lazily(() => object({}, { root: text, signal: abortSignal, ...members }, { strict: true }))
const shapes = {
  pull: shapeWith({ platform: text, insecure: flag }),
  import: shapeWith({ platform: text, name: text }),
  bundle: shapeWith({ args: texts }),
  deleteBundle: lazily(() => object({}, {}, { strict: true })),
}
const onlyStore = shapeWith({})

/** Options of a function of `images`, and its other arguments, which are texts. @throws UsageError */
async function check<T extends object>(name: string, options: T, ...words: readonly string[]): Promise<T> {
  const what = `images.${name}`
  const wrong = words.find((word) => typeof word !== 'string' || word === '' || word.includes('\0'))
  if (wrong !== undefined) throw new UsageError(`${what} takes texts that are not empty, not ${JSON.stringify(wrong)}`)
  return checkOptions(what, (name in shapes ? shapes[name as keyof typeof shapes] : onlyStore)(), options)
}

/** Runs a command about images to its end; what it has printed. @throws ImageError with its message */
async function tsrun(group: string, action: string, options: ImageOptions, args: readonly string[]): Promise<string> {
  const places = ['dist', `prebuilds/${process.platform}-${process.arch}`]
  const paths = places.map((place) => `${packageFolder()}/${place}/tsrun`)
  const path = paths.find((file) => fileInfo(file) !== undefined)
  if (path === undefined)
    throw new UnsupportedError('image', `images take the command line of tsrun, which is not at ${paths.join(' or ')}`)
  const root = options.root === undefined || action === 'delete' ? [] : ['--image-root', options.root]
  const { signal } = options
  signal?.throwIfAborted()
  const stdout = memoryFile('output', '')
  let kill = (): void => undefined
  const abort = (): void => kill()
  try {
    const onStart = (pidfd: number): void => {
      kill = () => void signalProcess(pidfd, sigkill)
      signal?.addEventListener('abort', abort)
    }
    const command = [path, group, action, ...root, ...args]
    const { status, output } = await runHelper(
      { path, args: command, cwd: process.cwd(), stdout, onStart },
      eventWaiter,
    )
    signal?.removeEventListener('abort', abort)
    signal?.throwIfAborted()
    if (status !== null && 'code' in status && status.code === 0) return readTail(stdout, resultLimit)
    throw new ImageError(output.trim().replace(/^tsrun: /, '') || describeEnd(status))
  } finally {
    closeFile(stdout)
  }
}

const stored = (output: string): StoredImage[] =>
  output
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [digest = '', name] = line.split(' ')
      return { digest, ...(name === undefined ? {} : { name }) }
    })

const flags = (values: Readonly<Record<string, string | undefined>>): string[] =>
  Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`]))

/** Positionals: what begins with a dash is none of the flags. */
const plain = (...args: string[]): string[] => ['--', ...args]

/**
 * Images of a store. All functions reject with ImageError where the command line would print that message, and with UsageError
 * for options that they have not.
 */
export const images = {
  /** Pulls an image from a registry. `insecure`: without TLS, from a registry of this machine. */
  async pull(name: string, options: FetchOptions & { readonly insecure?: boolean } = {}): Promise<StoredImage> {
    const { insecure, platform, ...store } = await check('pull', options, name)
    const args = [...(insecure === true ? ['--insecure'] : []), ...flags({ platform }), ...plain(name)]
    return stored(await tsrun('image', 'pull', store, args))[0] ?? { digest: '' }
  },
  /** Imports the images of an OCI layout or of an archive as `docker save` writes it. */
  async import(path: string, options: FetchOptions & { readonly name?: string } = {}): Promise<StoredImage[]> {
    const { name, platform, ...store } = await check('import', options, path)
    return stored(await tsrun('image', 'import', store, [...flags({ name, platform }), ...plain(path)]))
  },
  /** All images that have a name. */
  async list(options: ImageOptions = {}): Promise<ListedImage[]> {
    await check('list', options)
    return JSON.parse(await tsrun('image', 'list', options, ['--format=json'])) as ListedImage[]
  },
  /** Manifest and config of an image. */
  async inspect(image: string, options: ImageOptions = {}): Promise<ImageDetails> {
    await check('inspect', options, image)
    return JSON.parse(await tsrun('image', 'inspect', options, plain(image))) as ImageDetails
  },
  /** Removes a name, or all names of an image that is given by its digest; which they were. */
  async remove(image: string, options: ImageOptions = {}): Promise<string[]> {
    await check('remove', options, image)
    return (await tsrun('image', 'remove', options, plain(image))).split('\n').filter(Boolean)
  },
  /** Removes what no name and no bundle needs. */
  async gc(options: ImageOptions = {}): Promise<void> {
    await check('gc', options)
    await tsrun('image', 'gc', options, [])
  },
  /** Writes an image to a file, as an OCI layout in a tar. */
  async export(image: string, file: string, options: ImageOptions = {}): Promise<void> {
    await check('export', options, image, file)
    await tsrun('image', 'export', options, [...flags({ output: file }), ...plain(image)])
  },
  /** Makes a bundle of an image; its absolute path, for `bundle` of `create`. For root. */
  async bundle(
    image: string,
    directory: string,
    options: ImageOptions & { readonly args?: readonly string[] } = {},
  ): Promise<string> {
    const { args = [] } = await check('bundle', options, image, directory)
    assertRoot()
    try {
      return (await tsrun('bundle', 'create', options, plain(image, directory, ...args))).trimEnd()
    } catch (error) {
      if (options.signal?.aborted && fileInfo(`${directory}/image.json`)) await images.deleteBundle(directory)
      throw error
    }
  },
  /** Unmounts and removes such a bundle. */
  async deleteBundle(directory: string): Promise<void> {
    await check('deleteBundle', {}, directory)
    await tsrun('bundle', 'delete', {}, plain(directory))
  },
}

/** Mounts of a user namespace are in nobody else's view. */
function assertRoot(): void {
  if (processIds().euid !== 0)
    throw new UnsupportedError(
      'image',
      'bundles of images are for root in the library; tsrun run --image is for every user',
    )
}

/** The root file system of an image, while `work` runs. @throws ImageError, UnsupportedError, what `work` throws */
export async function withImage<T>(
  image: string,
  root: string | undefined,
  work: (rootfs: string, env: Readonly<Record<string, string>>) => Promise<T>,
): Promise<T> {
  assertRoot()
  if (root !== undefined && !root.startsWith('/')) throw new UsageError('imageRoot must be absolute')
  const options = root === undefined ? {} : { root }
  const place = runPlace(new ImageStore(root ?? defaultImageRoot(false)))
  try {
    const { config } = await images.inspect(image, options)
    const directory = await images.bundle(image, place.directory, { ...options, args: ['true'] })
    try {
      return await work(`${directory}/rootfs`, variables(config.config?.Env ?? []))
    } finally {
      await images.deleteBundle(directory)
    }
  } finally {
    place.release()
  }
}

const variables = (env: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(env.map((entry) => [entry.split('=', 1)[0] ?? '', entry.slice(entry.indexOf('=') + 1)]))
