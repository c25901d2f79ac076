// What of others is linked into the files of a release: version, licence and its text, from Debian's packages.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { arm64Libraries } from './arm64.mjs'
import { engineSource } from './engine.mjs'
import { Failure, output, root } from './process.mjs'

/** Package of Debian, and its licence by SPDX. The first ones are in the executable and the addon, musl is in tsrun-init. */
const libraries = {
  'libseccomp-dev': 'LGPL-2.1-only',
  'libarchive-dev': 'BSD-2-Clause',
  'zlib1g-dev': 'Zlib',
  'libzstd-dev': 'BSD-3-Clause',
  'nettle-dev': 'LGPL-3.0-or-later OR GPL-2.0-or-later',
  'musl-dev': 'MIT',
}

/** Those that come with the compiler, whose packages have other names where it compiles for another machine. */
const ofCompiler = (arch) => {
  const major = output(arch === process.arch ? 'g++' : 'aarch64-linux-gnu-g++', ['-dumpversion']).trim()
  const suffix = arch === process.arch ? '' : `-${arch}-cross`
  return {
    [`libc6-dev${suffix}`]: 'LGPL-2.1-or-later',
    [`libstdc++-${major}-dev${suffix}`]: 'GPL-3.0-or-later WITH GCC-exception-3.1',
  }
}

/** `{ name, version, terms, notice }` of each part of the files for an architecture. @throws Failure when one is not Debian's */
export function linkedParts(arch) {
  const folder = arch === process.arch ? '/' : arm64Libraries()
  const own = { ...engineSource, name: 'quickjs', terms: 'MIT' }
  return [
    { ...own, notice: readFileSync(join(root, 'dist/LICENSE.quickjs'), 'utf8') },
    ...Object.entries(libraries).map(([name, terms]) => part(folder, name, terms)),
    ...Object.entries(ofCompiler(arch)).map(([name, terms]) => part('/', name, terms)),
  ]
}

function part(folder, name, terms) {
  const notice = join(folder, 'usr/share/doc', name, 'copyright')
  if (!existsSync(notice)) throw new Failure(`a release has the licences of what is linked in: there is no ${notice}`)
  const version = folder === '/' ? installedVersion(name) : unpackedVersion(folder, name)
  return { name, version, terms, notice: readFileSync(notice, 'utf8'), isDebian: true }
}

const installedVersion = (name) => output('dpkg-query', ['-W', '-f', '${Version}', name])

/** Of a package that is unpacked, not installed: the first line of its changelog, `name (version) suite; …`. */
function unpackedVersion(folder, name) {
  const changelog = gunzipSync(readFileSync(join(folder, 'usr/share/doc', name, 'changelog.Debian.gz'))).toString()
  return /^\S+ \((\S+)\)/.exec(changelog)?.[1] ?? 'unknown'
}
