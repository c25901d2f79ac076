// Packages of Debian by apt, with the mirrors and proxies of this machine, but without touching its own state.
// (test/vm/vmrun does the same for itself: it is one file of shell that also runs where there is no node.)
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, output } from './process.mjs'
import { findProgram } from './tools.mjs'

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** Milliseconds for one run of apt: the list of sid alone has 10 MB. */
const limit = 300_000

/** Why this host cannot fetch packages of Debian; undefined when it can. */
export function reasonAgainstPackages() {
  return findProgram('apt-get') && existsSync(keyring) ? undefined : 'needs a Debian host'
}

/** Addresses of the archives that this machine's apt uses. */
export function mirrors() {
  const lines = output('apt-get', ['indextargets', '--format', '$(REPO_URI)']).split('\n')
  return [...new Set(lines.filter(Boolean).map((line) => line.replace(/\/$/, '')))]
}

/**
 * Unpacks a package of a suite (`sid`, `bookworm-security`) to `folder`, with its version in the file `version`.
 * @throws Failure when it cannot be fetched; the folder is then as it was
 */
export function fetchPackage(name, suite, folder) {
  fetchInto({ names: [name], suite, folder }, (options, work) => {
    output('apt-get', [...options, 'download', `${name}/${suite}`], { cwd: work, timeout: limit })
    return work
  })
}

/** The same for packages and all that they depend on, libc included: a root directory for them alone; version of the first. */
export function fetchWithDependencies(names, suite, folder) {
  fetchInto({ names, suite, folder }, (options, work) => {
    // With no package installed, apt fetches each of them.
    const alone = ['-o', 'Dir::State::status=/dev/null', '--no-install-recommends', '--download-only', '-y']
    output('apt-get', [...options, ...alone, 'install', ...names], { cwd: work, timeout: limit })
    return join(work, 'archives')
  })
}

/**
 * Several packages of another architecture (`arm64`), without what they depend on, together in one folder. `kernel-of:NAME` is the
 * kernel that the package NAME of the distribution depends on.
 */
export function fetchForeign(names, suite, architecture, folder) {
  fetchInto({ names, suite, folder }, (options, work) => {
    const foreign = [`APT::Architecture=${architecture}`, `APT::Architectures=${architecture}`]
    const all = [...options, ...foreign.flatMap((option) => ['-o', option])]
    // Its lists are others than those of this machine's architecture.
    output('apt-get', [...all, 'update', '--error-on=any'], { timeout: limit })
    const real = names.map((name) => {
      const [, of] = name.split('kernel-of:')
      if (of === undefined) return name
      return /^Depends: (linux-image-[^ ,]+)/m.exec(output('apt-cache', [...all, 'show', `${of}/${suite}`]))?.[1] ?? of
    })
    output('apt-get', [...all, 'download', ...real.map((name) => `${name}/${suite}`)], { cwd: work, timeout: limit })
    return work
  })
}

/** `download` gets options for apt and a folder of its own; returns where it has put the packages. */
function fetchInto({ names, suite, folder }, download) {
  const archive = suite.endsWith('-security') ? '/debian-security' : '/debian'
  const mirror = mirrors().find((address) => address.endsWith(archive))
  if (!mirror) throw new Failure(`apt of this machine has no archive that ends in ${archive}`)
  const work = mkdtempSync(`${folder}-`)
  try {
    const sources = join(work, 'sources.list')
    writeFileSync(sources, `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`)
    const options = privateState(work, sources)
    output('apt-get', [...options, 'update', '--error-on=any'], { timeout: limit })
    const from = download(options, work)
    const files = readdirSync(from).filter((entry) => entry.endsWith('.deb'))
    const unpacked = join(work, 'unpacked')
    for (const file of files) output('dpkg', ['-x', join(from, file), unpacked])
    const named = files.find((file) => file.startsWith(`${names[0]}_`)) ?? files[0]
    writeFileSync(join(unpacked, 'version'), decodeURIComponent(named.split('_')[1]))
    rmSync(folder, { recursive: true, force: true })
    renameSync(unpacked, folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Options of apt for lists, archives and sources below `work` alone. */
function privateState(work, sources) {
  for (const name of ['lists', 'archives']) mkdirSync(join(work, name, 'partial'), { recursive: true })
  const places = {
    'Etc::sourcelist': sources,
    'Etc::sourceparts': '/dev/null',
    'Etc::preferences': '/dev/null',
    'Etc::preferencesparts': '/dev/null',
    'State::lists': join(work, 'lists'),
    Cache: work,
  }
  const options = [...Object.entries(places).map(([key, value]) => `Dir::${key}=${value}`), 'APT::Sandbox::User=root']
  return ['-qq', ...[...options, 'Acquire::Languages=none'].flatMap((option) => ['-o', option])]
}
