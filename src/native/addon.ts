/**
 * The only door to native code: loads the addon on first use, makes sure that it belongs to this build, and
 * turns its failures into SyscallErrors.
 */
import { SyscallError, UnsupportedError } from '../errors.js'
import { wireHash } from '../plan/wire-hash.js'
import { functionTable, libraryTable } from './addon-table.js'
import type { Addon, LibraryAddon } from './addon-types.js'

/** Set by the bundler in the executable, which holds the addon: no path is looked at. */
declare const TSRUN_STANDALONE: boolean | undefined

type AnyFunction = (...args: readonly unknown[]) => unknown

/** What the addon's file exports: the functions of the table, and the hash of the table they were built from. */
type Exports = Readonly<Record<string, unknown>>

interface NativeFailure extends Error {
  syscall: string
  errno: number
  path?: string
}

let loaded: Addon | undefined
let loadedFrom = ''

/** In the static executable, whose engine hands over arguments and environment byte for byte. */
export const isStandalone = (): boolean => typeof TSRUN_STANDALONE !== 'undefined'

/** Where the addon may lie in the package. */
function addonPaths(): string[] {
  if (isStandalone()) return ['']
  return packageFolders().flatMap((folder) =>
    ['build/Release', `prebuilds/${process.platform}-${process.arch}`].map((place) => `${folder}/${place}/tsrun.node`),
  )
}

/** Where the package is, of a file that is this module, or that the package's bundles have it in. */
const ownPlace = /^(.*)\/dist\/(?:native\/addon|package\/[^/]+|package\/[^/]+\/[^/]+)\.js$/

/**
 * Where the package may be: around this file; or for a program that a bundler has made one file of, where Node.js would
 * look for it from there, or from the file that was started: a bundle of CommonJS has no URL.
 */
function packageFolders(): string[] {
  const url = import.meta.url as string | undefined
  const own = url?.startsWith('file:') === true ? decodeURIComponent(new URL(url).pathname) : undefined
  const folder = own === undefined ? undefined : ownPlace.exec(own)?.[1]
  if (folder !== undefined) return [folder]
  const files = [own, process.argv[1]].filter((file) => file !== undefined)
  return [...new Set(files.flatMap(foldersAbove).map((folder) => `${folder}/node_modules/tsrun`))]
}

/** All folders that a file is in, the nearest first; the root is ''. */
function foldersAbove(path: string): string[] {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_, index) => parts.slice(0, parts.length - index).join('/'))
}

function load(): Addon {
  const failures: string[] = []
  for (const path of addonPaths()) {
    try {
      const module = { exports: {} }
      process.dlopen(module, path)
      const functions = addonOf(module.exports, path)
      loadedFrom = path
      return functions
    } catch (error) {
      failures.push((error as Error).message)
    }
  }
  const found = failures.filter((message) => !message.includes('cannot open shared object file'))
  const why = found.length > 0 ? found.join('; ') : `it is at none of these places: ${addonPaths().join(', ')}`
  throw new UnsupportedError('addon', `the native addon of tsrun cannot be loaded: ${why}`)
}

/**
 * The functions that an addon's file exports, with failures turned into SyscallErrors.
 * @throws UnsupportedError for an addon of another build
 */
export function addonOf(exports: Exports, path: string): Addon {
  if (exports.wireHash !== wireHash)
    throw new UnsupportedError('addon', `${path} belongs to another build of tsrun (run npm run build)`)
  const functions: Record<string, AnyFunction> = {}
  for (const name of Object.keys(functionTable)) functions[name] = guard(exports[name] as AnyFunction)
  for (const name of Object.keys(libraryTable)) {
    if (name in exports) functions[name] = guard(exports[name] as AnyFunction)
  }
  // The hash says that both sides were made from this table.
  return functions as unknown as Addon
}

/** With as many arguments as a function of the two tables has at most: a list of them would be made and taken apart each time. */
function guard(call: AnyFunction): AnyFunction {
  return (a, b, c, d, e, f) => {
    try {
      return call(a, b, c, d, e, f)
    } catch (error) {
      throw isNativeFailure(error) ? syscallError(error) : error
    }
  }
}

const isNativeFailure = (error: unknown): error is NativeFailure =>
  error instanceof Error && 'syscall' in error && 'errno' in error && typeof error.errno === 'number'

function syscallError({ syscall, errno, path }: NativeFailure): SyscallError {
  return new SyscallError(describeFailure(syscall, errno, path), {
    side: 'parent',
    step: syscall,
    syscall,
    errno,
    errnoName: errnoName(errno),
    ...(path === undefined ? {} : { path }),
  })
}

/** The addon's functions. @throws UnsupportedError when there is no addon of this build for this platform */
export const native = (): Addon => (loaded ??= load())

/** Puts something in the place of the addon, for who watches what is called. @throws UnsupportedError */
export function replaceAddon(change: (addon: Addon) => Addon): void {
  loaded = change(native())
}

/** Those for programs with an event loop; the static executable has none. @throws UnsupportedError */
export const nativeLibrary = (): LibraryAddon => native() as Addon & LibraryAddon

/** Loads the addon, which else its first use does. @throws UnsupportedError when there is no addon of this build for this platform */
export function loadAddon(): void {
  native()
}

/** Folder of the package that the addon is in; not for the standalone executable. @throws UnsupportedError */
export function packageFolder(): string {
  native()
  return loadedFrom.replace(/\/(build\/Release|prebuilds\/[^/]+)\/tsrun\.node$/, '')
}

/** The words of a failed system call: `open "/x": no such file or directory`. */
export function describeFailure(syscall: string, errno: number, path: string | undefined): string {
  const words = errno === 0 ? '' : `: ${native().errorText(errno).words}`
  return `${syscall}${path === undefined || path === '' ? '' : ` ${JSON.stringify(path)}`}${words}`
}

/** Name of an errno, for example EPERM. */
export const errnoName = (errno: number): string => native().errorText(errno).name

/** True for a SyscallError with this errno name. */
export const hasErrno = (error: unknown, name: string): boolean =>
  error instanceof SyscallError && error.errnoName === name
