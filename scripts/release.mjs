// Makes the files of a release in `release/`: executable, .deb, tarball with install.sh, npm package, SBOM, checksums.
// usage: node scripts/release.mjs [FOLDER]      The same commit gives the same bytes: see docs/install.md
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { bundled } from './bundle.mjs'
import { engineSource } from './engine.mjs'
import { Failure, isMain, output, root, run, runQuietly, script } from './process.mjs'
import { setUp } from './setup.mjs'

const at = (path) => join(root, path)
const { version, license, description } = JSON.parse(readFileSync(at('package.json'), 'utf8'))
const debianNames = { x64: 'amd64', arm64: 'arm64' }

/** All times in the files are that of the commit, or of SOURCE_DATE_EPOCH (reproducible-builds.org). */
function releaseTime() {
  const { SOURCE_DATE_EPOCH: given } = process.env
  return Number(given ?? output('git', ['log', '-1', '--format=%ct']).trim())
}

function put(path, contents, mode = 0o644) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, contents)
  chmodSync(path, mode)
}

/** The tree of an installation below `folder`, whose programs, manuals and completions are in `prefix`. */
function makeTree(folder, prefix) {
  const place = (path) => join(folder, prefix, path)
  put(place('bin/tsrun'), readFileSync(at('dist/tsrun')), 0o755)
  for (const page of readdirSync(at('docs/man'))) {
    put(place(`share/man/man8/${page}.gz`), gzipSync(readFileSync(at(`docs/man/${page}`)), { level: 9 }))
  }
  const completions = {
    bash: 'share/bash-completion/completions/tsrun',
    zsh: 'share/zsh/vendor-completions/_tsrun',
    fish: 'share/fish/vendor_completions.d/tsrun.fish',
  }
  for (const [shell, path] of Object.entries(completions)) {
    put(place(path), output(at('dist/tsrun'), ['completion', shell]))
  }
  makeDownloader(place('lib/tsrun'))
  put(place('share/doc/tsrun/copyright'), copyright())
  put(place('share/doc/tsrun/changelog.gz'), gzipSync(readFileSync(at('CHANGELOG.md')), { level: 9 }))
}

/** What `tsrun image pull` runs in Node.js: one file and the addon, as in the npm package. */
function makeDownloader(folder) {
  put(join(folder, 'package.json'), `${JSON.stringify({ name: 'tsrun', version, type: 'module' })}\n`)
  const addon = `prebuilds/${process.platform}-${process.arch}/tsrun.node`
  put(join(folder, addon), readFileSync(at('build/Release/tsrun.node')))
  for (const file of ['dist/package/download/main.js', 'dist/package/LICENSES'])
    put(join(folder, file), readFileSync(at(file)))
}

/** In Debian's format (DEP-5): ours, and what is linked into the executable. */
function copyright() {
  const indented = (text) => text.trimEnd().replace(/^/gm, ' ').replace(/^ $/gm, ' .')
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: tsrun

Files: *
Copyright: The tsrun authors
License: ${license}
${indented(readFileSync(at('LICENSE'), 'utf8'))}

Files: bin/tsrun (QuickJS)
Copyright: Fabrice Bellard, Charlie Gordon
License: Expat
${indented(readFileSync(at('dist/LICENSE.quickjs'), 'utf8'))}

Files: bin/tsrun (libseccomp, GNU C library)
Copyright: their authors
License: LGPL-2.1
 On Debian systems the text is in /usr/share/common-licenses/LGPL-2.1. The objects to link the executable anew with other
 versions of these libraries are made by \`npm run build\` from the sources of this release.
`
}

/** Gives everything in a folder one time. */
function settle(folder, time) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) settle(join(folder, entry.name), time)
    else lutimesSync(join(folder, entry.name), time, time)
  }
  lutimesSync(folder, time, time)
}

function makeDeb(work, file, arch, time) {
  const folder = join(work, 'deb')
  makeTree(folder, 'usr')
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const size = entries.reduce((sum, { parentPath, path, name }) => {
    return sum + Math.ceil(statSync(join(parentPath ?? path, name)).size / 1024)
  }, 0)
  const control = {
    Package: 'tsrun',
    Version: version,
    Architecture: debianNames[arch],
    Maintainer: 'The tsrun authors <tsrun@users.noreply.github.com>',
    'Installed-Size': size,
    Section: 'admin',
    Priority: 'optional',
    Suggests: 'criu, nodejs (>= 20), uidmap',
    Description: `${description}\n A drop-in for runc: engines call it to create, start and delete containers. One static program.`,
  }
  const lines = Object.entries(control).map(([name, value]) => `${name}: ${value}\n`)
  put(join(folder, 'DEBIAN/control'), lines.join(''))
  settle(folder, time)
  runQuietly('env', [
    `SOURCE_DATE_EPOCH=${time}`,
    ...['dpkg-deb', '--root-owner-group', '-Zxz', '--threads-max=1', '--build', folder, file],
  ])
}

const installer = `#!/bin/sh
# Puts tsrun in PREFIX (default: /usr/local), below DESTDIR if that is set. "uninstall" as argument takes it away again.
set -eu
cd "$(dirname -- "$0")"
target=\${DESTDIR:-}\${PREFIX:-/usr/local}
files=$(cd tree && find . -type f | sort)
case \${1:-install} in
install)
  for file in $files; do
    mode=644
    [ ! -x "tree/$file" ] || mode=755
    mkdir -p "$target/$(dirname "$file")"
    # By rename: the old program may be running.
    cp "tree/$file" "$target/$file.new"
    chmod "$mode" "$target/$file.new"
    mv -f "$target/$file.new" "$target/$file"
  done
  echo "installed $("$target/bin/tsrun" --version | head -n 1) in $target" ;;
uninstall)
  for file in $files; do rm -f "$target/$file"; done
  rmdir "$target/share/doc/tsrun" 2>/dev/null || true
  echo "removed tsrun from $target" ;;
*)
  echo "usage: [PREFIX=DIR] [DESTDIR=DIR] $0 [install|uninstall]" >&2
  exit 2 ;;
esac
`

function makeTarball(work, file, time) {
  const name = basename(file, '.tar.gz')
  const folder = join(work, name)
  makeTree(join(folder, 'tree'), '.')
  put(join(folder, 'install.sh'), installer, 0o755)
  const tar = join(work, 'tsrun.tar')
  const same = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', `--mtime=@${time}`, '--format=gnu']
  runQuietly('tar', ['-C', work, ...same, '-cf', tar, name])
  writeFileSync(file, gzipSync(readFileSync(tar), { level: 9 }))
}

/** Version of an installed package of Debian; `unknown` elsewhere. */
function debianVersion(name) {
  try {
    return output('dpkg-query', ['-W', '-f', '${Version}', name])
  } catch {
    return 'unknown'
  }
}

/** What is in the executable, and what the npm package depends on or has in its bundles, as CycloneDX 1.5. */
function billOfMaterials(time, files) {
  const lock = JSON.parse(readFileSync(at('package-lock.json'), 'utf8')).packages
  const npm = Object.entries(lock)
    .filter(([path, { dev }]) => path !== '' && (!dev || bundled.some((name) => path === `node_modules/${name}`)))
    .map(([path, { version: its, license: terms }]) => {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
      return component('library', name, its, terms, `pkg:npm/${name.replace('@', '%40')}@${its}`)
    })
  const debian = (name, terms) => {
    const its = debianVersion(name)
    return component('library', name, its, terms, `pkg:deb/debian/${name}@${its}`)
  }
  const linked = [
    { ...component('library', 'quickjs', engineSource.version, 'MIT'), hashes: [sha256(engineSource.sha256)] },
    debian('libseccomp-dev', 'LGPL-2.1-only'),
    debian('libc6-dev', 'LGPL-2.1-or-later'),
    debian('libstdc++-12-dev', 'GPL-3.0-with-GCC-exception'),
  ]
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: {
      timestamp: new Date(time * 1000).toISOString(),
      component: {
        ...component('application', 'tsrun', version, license, `pkg:npm/tsrun@${version}`),
        hashes: [],
        components: files.map((file) => ({ type: 'file', name: basename(file), hashes: [sha256(digest(file))] })),
      },
    },
    components: [...linked, ...npm],
  }
}

const component = (type, name, its, terms, purl) => ({
  type,
  name,
  version: its,
  ...(terms === undefined
    ? {}
    : { licenses: [terms.includes(' ') ? { expression: terms } : { license: { id: terms } }] }),
  ...(purl === undefined ? {} : { purl }),
})

const sha256 = (content) => ({ alg: 'SHA-256', content })
const digest = (file) => createHash('sha256').update(readFileSync(file)).digest('hex')

/** From what, with what and where these files were made. */
function provenance(time) {
  const first = (program, ...args) => output(program, args).split('\n')[0]
  const lines = {
    commit: output('git', ['rev-parse', 'HEAD']).trim(),
    time: new Date(time * 1000).toISOString(),
    command: 'npm run release',
    system: /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1],
    compiler: first('g++', '--version'),
    linker: first('ld', '--version'),
    cmake: first('cmake', '--version'),
    node: process.version,
    engine: `${engineSource.file} sha256 ${engineSource.sha256}`,
  }
  return Object.entries(lines)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('')
}

/** The npm package. Its prepack builds what is missing. */
function makeNpmPackage(folder) {
  runQuietly('npm', ['pack', '--silent', '--pack-destination', folder])
  return join(folder, `tsrun-${version}.tgz`)
}

async function release([given = at('release')]) {
  const folder = resolve(given)
  if (output('git', ['status', '--porcelain', '--untracked-files=no']) !== '')
    console.log('the files of this release are not those of the commit that they name: there are uncommitted changes')
  setUp('start')
  if (!existsSync(at('dist/LICENSE.quickjs')))
    throw new Failure('a release needs the static executable: see docs/engine.md')
  const work = mkdtempSync(join(tmpdir(), 'tsrun-release-'))
  try {
    const [arch, time] = [process.arch, releaseTime()]
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const files = {
      executable: join(folder, `tsrun-${version}-linux-${arch}`),
      deb: join(folder, `tsrun_${version}_${debianNames[arch]}.deb`),
      tarball: join(folder, `tsrun-${version}-linux-${arch}.tar.gz`),
    }
    copyFileSync(at('dist/tsrun'), files.executable)
    chmodSync(files.executable, 0o755)
    makeDeb(work, files.deb, arch, time)
    makeTarball(work, files.tarball, time)
    const all = [...Object.values(files), makeNpmPackage(folder)]
    put(join(folder, `tsrun-${version}.cdx.json`), `${JSON.stringify(billOfMaterials(time, all), null, 2)}\n`)
    put(join(folder, 'PROVENANCE'), provenance(time))
    const names = readdirSync(folder).sort()
    put(join(folder, 'SHA256SUMS'), names.map((name) => `${digest(join(folder, name))}  ${name}\n`).join(''))
    run('ls', ['-l', folder])
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

if (isMain(import.meta.url)) await script(release)
