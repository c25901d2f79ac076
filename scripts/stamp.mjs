// Decides whether a build step has to run: the hash of its input files is kept beside its output.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { root } from './process.mjs'

/** All files below the given files and directories, sorted; those that are missing are left out. */
export function filesBelow(...paths) {
  const found = []
  const visit = (path) => {
    if (!existsSync(path)) return
    if (statSync(path).isDirectory()) for (const name of readdirSync(path)) visit(join(path, name))
    else found.push(path)
  }
  for (const path of paths) visit(join(root, path))
  return found.sort()
}

/** Hash of the names and contents of the inputs. Contents, since a tarball and a clone set times anew. */
export function hashOf(files, extra = '') {
  const hash = createHash('sha256').update(extra)
  for (const file of files) {
    const content = readFileSync(file)
    hash.update(`\0${relative(root, file)}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex')
}

/** True when the stamp holds this hash and every output exists. */
export function isFresh(stamp, hash, outputs) {
  if (!existsSync(stamp) || !outputs.every((path) => existsSync(path))) return false
  return readFileSync(stamp, 'utf8') === hash
}

/** Records that the outputs beside the stamp were made from inputs with this hash. */
export function writeStamp(stamp, hash) {
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, hash)
}
