/** Stage 4, launch: which library a dynamic loader would not find (ld.so(8)), looked for as it looks. */
import type { Process } from '../config/types.js'
import { librariesOf } from './executable.js'
import type { View } from './view.js'

/** Where loaders look without being told: glibc with Debian's folders, musl. */
const folders = ['/lib64', '/usr/lib64', '/lib', '/usr/lib', '/usr/local/lib']
const triplets = ['x86_64-linux-gnu', 'aarch64-linux-gnu', 'i386-linux-gnu', 'arm-linux-gnueabihf']

/** Files looked at: no program needs more, and a loop of libraries must end. */
const most = 200

/** A hint about the first library that a program needs, by itself or through another, and that is nowhere. */
export function missingLibrary(path: string, process: Process, view: View): string | undefined {
  const cache = latin1(view.reader('/etc/ld.so.cache')(0, 4 * 1024 * 1024))
  const asked =
    process.env
      ?.findLast((entry) => entry.startsWith('LD_LIBRARY_PATH='))
      ?.split('=')[1]
      ?.split(':') ?? []
  const seen = new Set<string>()
  const open = [path]
  for (let file = open.shift(); file !== undefined && seen.size < most; file = open.shift()) {
    const { needed, places } = librariesOf(view.reader(file))
    const origin = file.slice(0, file.lastIndexOf('/'))
    const own = places.map((place) => place.replace(/\$ORIGIN|\$\{ORIGIN\}/g, origin))
    for (const name of needed.filter((one) => !seen.has(one))) {
      seen.add(name)
      const found = name.includes('/') ? find([name], view) : find(candidates(name, [...asked, ...own]), view)
      if (found !== undefined) open.push(found)
      // What the cache knows may lie in any folder of /etc/ld.so.conf.
      else if (!cache.includes(`${name}\0`) && !isLoader(name)) return words(path, file, name)
    }
  }
  return undefined
}

function words(path: string, file: string, name: string): string {
  const through = file === path ? '' : ` (through ${JSON.stringify(file)})`
  return `${JSON.stringify(path)} needs the library ${name}${through}, which is not in the container where loaders look: install its package, or set LD_LIBRARY_PATH`
}

const candidates = (name: string, first: readonly string[]): string[] =>
  [...first, ...triplets.flatMap((triplet) => [`/lib/${triplet}`, `/usr/lib/${triplet}`]), ...folders]
    .filter(Boolean)
    .map((folder) => `${folder}/${name}`)

const find = (paths: readonly string[], view: View): string | undefined =>
  paths.find((path) => view.look(path)?.type === 'file')

/** The loader itself, and what musl has in it. */
const isLoader = (name: string): boolean => /^(ld-|linux-vdso|libc\.musl-)/.test(name)

function latin1(bytes: Uint8Array | undefined): string {
  let text = ''
  for (let at = 0; bytes !== undefined && at < bytes.length; at += 4096) {
    text += String.fromCharCode(...bytes.subarray(at, at + 4096))
  }
  return text
}
