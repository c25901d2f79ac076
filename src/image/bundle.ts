/**
 * Images: bundles of them: a directory with `config.json`, `rootfs` (an overlay of the image's layers), `overlay` (what
 * the container changes) and `image.json` (what it was made of, by which it is known as one of ours).
 */
import { stringifyConfig } from '../config/stringify.js'
import type { Hook } from '../config/types.js'
import { ImageError, UsageError } from '../errors.js'
import { probeHost } from '../host/facts.js'
import {
  closeFile,
  detachMount,
  fileInfo,
  hasErrno,
  lockFile,
  machineName,
  makeDirectory,
  openFile,
  openFlag,
  openInRoot,
  readFile,
  readFileIfAny,
  readTail,
  realPath,
  removeDirectory,
  removeFile,
  removeTree,
  writeFile,
} from '../native/binding.js'
import { convertConfig, type Overrides } from './convert.js'
import type { Digest } from './digest.js'
import { type Image, readImage } from './image.js'
import {
  copyStack,
  ensureLayers,
  hasNoOverlay,
  type LayerLimits,
  lowersOf,
  mountLayers,
  type Rights,
} from './layers.js'
import { uniqueName } from './names.js'
import { type Held, ImageStore } from './store.js'
import type { Accounts } from './users.js'

/** How a bundle is made. */
export interface BundleOptions {
  readonly overrides: Overrides
  readonly rights: Rights
  readonly limits: LayerLimits
  /** It is gone with its container: unmounting waits for no disk. */
  readonly passing?: boolean
  /** Program of the host that runs when its container is deleted. */
  readonly afterwards?: Hook
}

/** image.json of a bundle. */
interface BundleRecord {
  readonly image: Digest
  /** Root of the store. */
  readonly store: string
  /** Where the state of its only container is: the bundle goes with that. */
  readonly container?: string
}

const recordFile = 'image.json'
const directoryFlag = 0o200000
const exclusive = 0o200
/** Bytes of the image's /etc/passwd and /etc/group. */
const accountsLimit = 8 << 20

/** A bundle of an image of the store, at a new or empty directory. @throws ImageError, UsageError, SyscallError */
export async function createBundle(
  store: ImageStore,
  digest: Digest,
  path: string,
  options: BundleOptions,
): Promise<string> {
  const held = store.use()
  try {
    const image = await readImage(store, digest)
    ensureLayers(store, image, options.rights, options.limits)
    const directory = makeBundleDirectory(path)
    record(directory, { image: digest, store: store.root })
    store.addUse({ directory, digest })
    try {
      makeRootfs(store, image, directory, options)
      const { afterwards } = options
      const converted = convertConfig(image.config, options.overrides, {
        rootfs: 'rootfs',
        accounts: readAccounts(`${directory}/rootfs`),
        cgroupNamespace: probeHost({ apparmor: false, selinux: false }).cgroup.mode === 'v2',
        inUserNamespace: options.rights.inUserNamespace,
        machine: machineName(),
      })
      const config = afterwards === undefined ? converted : { ...converted, hooks: { poststop: [afterwards] } }
      writeFile(
        `${directory}/config.json`,
        `${stringifyConfig(config)}\n`,
        openFlag.write | openFlag.create | exclusive,
      )
    } catch (error) {
      deleteBundle(directory)
      throw error
    }
    return directory
  } finally {
    held.release()
  }
}

function makeBundleDirectory(path: string): string {
  try {
    makeDirectory(path, 0o711)
  } catch (error) {
    if (!hasErrno(error, 'EEXIST')) throw error
    for (const name of ['config.json', 'rootfs', 'overlay', recordFile])
      if (fileInfo(`${path}/${name}`) !== undefined)
        throw new UsageError(`${JSON.stringify(path)} is in use: it has a ${name}`)
  }
  return realPath(path)
}

function record(directory: string, value: BundleRecord): void {
  const path = `${directory}/${recordFile}`
  writeFile(path, JSON.stringify(value), openFlag.write | openFlag.create | openFlag.truncate, 0o600)
}

function makeRootfs(store: ImageStore, { chains }: Image, directory: string, options: BundleOptions): void {
  const rootfs = `${directory}/rootfs`
  makeDirectory(rootfs, 0o755)
  if (chains.length === 0) return
  makeDirectory(`${directory}/overlay`, 0o700)
  const [upper, work] = ['upper', 'work'].map((name) => `${directory}/overlay/${name}`) as [string, string]
  makeDirectory(upper, 0o755)
  makeDirectory(work, 0o700)
  try {
    const at = { upper, work, path: rootfs, passing: options.passing ?? false }
    mountLayers(lowersOf(store, chains), at, options.rights)
  } catch (error) {
    if (!hasNoOverlay(error)) throw error
    removeTree(`${directory}/overlay`)
    copyStack(store, chains, rootfs, options.rights)
  }
}

function readAccounts(rootfs: string): Accounts {
  const [passwd = '', group = ''] = ['etc/passwd', 'etc/group'].map((path) => {
    const file = openInRoot(rootfs, path)
    if (file < 0) return ''
    try {
      const text = readTail(file, accountsLimit + 1)
      if (text.length > accountsLimit) throw new ImageError(`the image's /${path} is too long`)
      return text
    } finally {
      closeFile(file)
    }
  })
  return { passwd, group }
}

/** Unmounts and removes what `createBundle` has made, and the directory when nothing else is in it. @throws UsageError */
export function deleteBundle(path: string): void {
  const text = readFileIfAny(`${path}/${recordFile}`)
  if (text === undefined) throw new UsageError(`${JSON.stringify(path)} is no bundle that was made of an image`)
  const directory = realPath(path)
  const { store } = JSON.parse(text) as BundleRecord
  while (detachMount(`${directory}/rootfs`));
  for (const name of ['rootfs', 'overlay']) removeTree(`${directory}/${name}`)
  removeFile(`${directory}/config.json`)
  new ImageStore(store).removeUse(directory)
  removeFile(`${directory}/${recordFile}`)
  try {
    removeDirectory(directory)
  } catch (error) {
    if (!hasErrno(error, 'ENOTEMPTY')) throw error
  }
}

/** A place for the bundle of one container: nobody collects it while the lock is held. @throws SyscallError */
export function runPlace(store: ImageStore): Held & { readonly directory: string } {
  store.use().release()
  for (;;) {
    const directory = `${store.root}/run/${uniqueName()}`
    try {
      makeDirectory(directory, 0o711)
    } catch (error) {
      // Of a dead process that had this pid.
      if (hasErrno(error, 'EEXIST')) continue
      throw error
    }
    const fd = openFile(directory, directoryFlag)
    lockFile(fd, { wait: true })
    return { directory, release: () => closeFile(fd) }
  }
}

/** Notes that a bundle goes with a container, whose state is at this path. @throws SyscallError */
export function bindToContainer(directory: string, state: string): void {
  const written = JSON.parse(readFile(`${directory}/${recordFile}`)) as BundleRecord
  record(directory, { ...written, container: state })
}

/** True for the bundle of a `run --image` that has ended without removing it. */
export function isStale(store: ImageStore, directory: string): boolean {
  if (!directory.startsWith(`${store.root}/run/`)) return false
  const fd = openFile(directory, directoryFlag)
  try {
    if (!lockFile(fd, { wait: false })) return false
    const text = readFileIfAny(`${directory}/${recordFile}`)
    if (text === undefined) return true
    const { container } = JSON.parse(text) as BundleRecord
    return container === undefined || fileInfo(container) === undefined
  } finally {
    closeFile(fd)
  }
}
