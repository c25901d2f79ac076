// A clean Debian that has nothing but its minimal base (debootstrap), in a cache for all checkouts: what a release is installed in.
// usage: node scripts/debian-root.mjs        prints its path
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { mirrors } from './apt.mjs'
import { Failure, isMain, runQuietly, script } from './process.mjs'
import { findProgram } from './tools.mjs'

const suite = () => /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1]

/** Why there can be none here; undefined when there can. */
export function reasonAgainstDebianRoot() {
  if (process.getuid() !== 0) return 'needs root'
  if (!findProgram('debootstrap')) return 'needs debootstrap'
  return existsSync('/etc/debian_version') ? undefined : 'needs a Debian host'
}

/** The root directory, which nobody writes to. @throws Failure where it cannot be had */
export function fetchDebianRoot() {
  const reason = reasonAgainstDebianRoot()
  if (reason) throw new Failure(reason)
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tsrun-debian')
  const folder = join(cache, suite())
  if (existsSync(folder)) return folder
  const mirror = mirrors().find((address) => address.endsWith('/debian') || address.endsWith('/ubuntu'))
  if (!mirror) throw new Failure('apt of this machine has no archive of the distribution')
  mkdirSync(cache, { recursive: true })
  // Under its own name only when it is whole.
  const unfinished = join(cache, `unfinished-${process.pid}`)
  try {
    runQuietly('debootstrap', ['--variant=minbase', suite(), unfinished, mirror])
    rmSync(join(unfinished, 'var/cache/apt/archives'), { recursive: true })
    mkdirSync(join(unfinished, 'var/cache/apt/archives/partial'), { recursive: true })
    if (!existsSync(folder)) renameSync(unfinished, folder)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
  return folder
}

if (isMain(import.meta.url)) await script(() => console.log(fetchDebianRoot()))
