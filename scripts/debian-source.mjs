// Sources of Debian's packages, fetched by apt with the mirrors and proxies of this machine, compared with a pinned checksum and
// kept outside of the project for all its checkouts.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { mirrors } from './apt.mjs'
import { runQuietly } from './process.mjs'

/** Debian's section, and Ubuntu's for the same file. */
const sections = ['main', 'universe']
const aptHelper = '/usr/lib/apt/apt-helper'

const cacheFolder = () => join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tsrun-engine')

/**
 * Folder with the sources, fetched on first use: `{ folder }`, or `{ reason }` why there are none. Of a source: `name`, the folder
 * in its archive; `file`, the archive's path below the mirror's pool and section; `sha256`; `members`, what is unpacked, if not all.
 */
export function debianSource({ name, members = [], ...source }) {
  const folder = join(cacheFolder(), name)
  if (existsSync(folder)) return { folder }
  if (!existsSync(aptHelper)) return { reason: `${name} comes from Debian's packages, and this is no Debian` }
  mkdirSync(cacheFolder(), { recursive: true })
  const archive = join(cacheFolder(), `${name}-${process.pid}.tar.xz`)
  try {
    const problem = fetchArchive(archive, source)
    if (problem) return { reason: problem }
    const unpacked = join(cacheFolder(), `unpacked-${process.pid}`)
    mkdirSync(unpacked)
    runQuietly('tar', ['-xf', archive, '-C', unpacked, ...members.map((member) => `${name}/${member}`)])
    // Another checkout may have been faster.
    if (!existsSync(folder)) renameSync(join(unpacked, name), folder)
    rmSync(unpacked, { recursive: true })
    return { folder }
  } finally {
    rmSync(archive, { force: true })
  }
}

/** Why the archive could not be fetched, or undefined. */
function fetchArchive(archive, { file, sha256 }) {
  for (const mirror of mirrors()) {
    for (const section of sections) {
      const uri = `${mirror}/pool/${section}/${file}`
      spawnSync(aptHelper, ['-qq', 'download-file', uri, archive, `SHA256:${sha256}`], { stdio: 'ignore' })
      if (!existsSync(archive)) continue
      const found = createHash('sha256').update(readFileSync(archive)).digest('hex')
      if (found === sha256) return undefined
      return `${file} has another checksum than it should: ${found}`
    }
  }
  return `the mirrors of apt have no ${file}`
}
