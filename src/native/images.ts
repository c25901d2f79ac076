/** Native: images: blobs by their SHA-256, layers as trees, the overlay that they are stacked in. */
import { ImageError } from '../errors.js'
import { native } from './addon.js'
import type { RecordOf } from './addon-types.js'

/** SHA-256 of a text's bytes, 64 hexadecimal digits. */
export const sha256 = (text: string): string => native().sha256(text)

/** Name of this machine's architecture in uname(2), for example `x86_64`. */
export const machineName = (): string => native().machineName()

/** A blob as it was stored: SHA-256 in hexadecimal digits, bytes. */
export interface StoredBlob {
  readonly digest: string
  readonly size: number
}

/** Throws what is said against an image. */
function assertTaken(result: RecordOf<'imageResult'>): void {
  const { entry, refused } = result
  if (refused === '') return
  if (entry === '') throw new ImageError(refused)
  throw new ImageError(`entry ${JSON.stringify(entry)}: ${refused}`, { entry })
}

/**
 * Copies what is left of a file or pipe to a new file, which is on the disk when this returns.
 * @throws ImageError beyond `limit` bytes, SyscallError
 */
export function storeImageBlob(source: number, target: string, limit: number): StoredBlob {
  const result = native().storeImageBlob(source, target, limit)
  assertTaken(result)
  return { digest: result.digest, size: result.size }
}

/** How an archive is unpacked, see `unpackRequest`. */
export type UnpackRequest = RecordOf<'unpackRequest'>

/** Unpacks an archive; SHA-256 of its tar in hexadecimal digits. @throws ImageError with the entry, SyscallError */
export function unpackArchive(request: UnpackRequest): string {
  const result = native().unpackArchive(request)
  assertTaken(result)
  return result.digest
}

/** Stacks directories by overlayfs; the detached mount. @throws SyscallError */
export const openOverlay = (request: RecordOf<'overlayRequest'>): number => native().openOverlay(request)

/** Puts a detached mount at a path. @throws SyscallError */
export const attachMount = (mount: number, path: string): void => native().attachMount(mount, path)

/** Takes the mount at a path away; false where there is none. @throws SyscallError */
export const detachMount = (path: string): boolean => native().detachMount(path)

/** Copies what is in a directory into an empty one, with shared blocks where the file system can. @throws SyscallError */
export const copyTree = (from: string, to: string): void => native().copyTree(from, to)

/** Removes a path and all below it; a missing one is fine. @throws SyscallError */
export const removeTree = (path: string): void => native().removeTree(path)

/**
 * A regular file below a directory, opened for reading; links are followed as if the directory were `/`. -1 where there
 * is none. @throws SyscallError
 */
export const openInRoot = (root: string, path: string): number => native().openInRoot(root, path)

/** Waits until a file or directory is on the disk, or all of its file system. @throws SyscallError */
export const syncPath = (path: string, options: { fileSystem?: boolean } = {}): void =>
  native().syncPath(path, options.fileSystem ?? false)

/** Writes a tar of files, by their names in it and their paths. @throws SyscallError */
export const writeArchive = (fd: number, files: readonly (readonly [name: string, path: string])[]): void =>
  native().writeArchive(fd, files)
