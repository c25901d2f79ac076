/**
 * Stage 4, launch: compiled seccomp filters, kept below the root. libseccomp takes 14 ms for Docker's
 * default profile, and nearly all containers of a host have the same one.
 */
import {
  compileSeccomp,
  fileInfo,
  hashText,
  listDirectory,
  makeDirectory,
  processIds,
  readKeyed,
  removeFile,
  seccompVersion,
  writeKeyed,
} from '../native/binding.js'
import type { SeccompRequest } from '../plan/seccomp.js'

/** More filters than this are a sign of generated profiles: then the cache begins anew. */
const capacity = 64

const withBigints = (_name: string, value: unknown): unknown => (typeof value === 'bigint' ? `${value}n` : value)

/** JSON.stringify refuses bigints with a TypeError; to be asked about each value it takes twice as long, so only then. */
function textOf(request: SeccompRequest): string {
  try {
    return JSON.stringify(request)
  } catch {
    return JSON.stringify(request, withBigints)
  }
}

/** A directory that only this user can write to: what lies in it is loaded as a filter. */
function isTrusted(directory: string): boolean {
  const info = fileInfo(directory)
  return info?.type === 'directory' && info.uid === processIds().euid && (info.mode & 0o022) === 0
}

function keep(directory: string, path: string, key: string, program: Uint8Array): void {
  if (fileInfo(directory) === undefined) makeDirectory(directory, 0o700)
  if (!isTrusted(directory)) return
  const names = listDirectory(directory)
  if (names.length >= capacity) for (const name of names) removeFile(`${directory}/${name}`)
  writeKeyed(path, key, program)
}

/**
 * A compiler that looks into `<root>/.seccomp` first. A file holds the whole request that it was
 * compiled from, which must be the same to the letter: no two profiles can be taken for each other.
 * Whatever goes wrong with the cache only costs time.
 */
export function cachedSeccompCompiler(root: string): (request: SeccompRequest) => Uint8Array {
  return (request) => {
    const directory = `${root}/.seccomp`
    const key = `libseccomp ${seccompVersion()} ${textOf(request)}`
    const path = `${directory}/${hashText(key)}`
    try {
      const program = isTrusted(directory) ? readKeyed(path, key) : undefined
      if (program !== undefined && program.length > 0) return program
    } catch {
      // Read again from the profile.
    }
    const program = compileSeccomp(request)
    try {
      keep(directory, path, key, program)
    } catch {
      // A full or read-only file system: the next container compiles again.
    }
    return program
  }
}
