// Makes the files of a release in `release/`: executables, .debs, tarballs with install.sh, npm package, SBOM, checksums.
// usage: node scripts/release.mjs [FOLDER] [x64] [arm64]      The same commit gives the same bytes: see docs/install.md
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
import { buildArm64, reasonAgainstArm64 } from './arm64.mjs'
import { linkedParts } from './linked.mjs'
import { Failure, isMain, output, root, run, runQuietly, script } from './process.mjs'
import { billOfMaterials, digest, provenance } from './release-papers.mjs'
import { setUp } from './setup.mjs'
import { checkVersion } from './version.mjs'

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

/**
 * What the files for one architecture are made of. @throws Failure when this machine cannot make it
 * @returns `{ arch, executable, addon, parts }`, of which `parts` is what is linked in
 */
async function built(arch) {
  if (arch === process.arch)
    return { arch, executable: at('dist/tsrun'), addon: at('build/Release/tsrun.node'), parts: linkedParts(arch) }
  const reason = arch === 'arm64' ? reasonAgainstArm64() : `needs a machine with ${arch}`
  if (reason) throw new Failure(`the files for ${arch}: ${reason}; without them: npm run release -- ${process.arch}`)
  const folder = await buildArm64()
  return { arch, executable: join(folder, 'tsrun'), addon: join(folder, 'tsrun.node'), parts: linkedParts(arch) }
}

/** The tree of an installation below `folder`, whose programs, manuals and completions are in `prefix`. */
function makeTree(folder, prefix, build) {
  const place = (path) => join(folder, prefix, path)
  put(place('bin/tsrun'), readFileSync(build.executable), 0o755)
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
  makeDownloader(place('lib/tsrun'), build)
  const papers = place('share/doc/tsrun')
  put(join(papers, 'copyright'), copyright(build.parts))
  put(join(papers, 'changelog.gz'), gzipSync(readFileSync(at('CHANGELOG.md')), { level: 9 }))
  for (const { name, notice } of build.parts) put(join(papers, 'linked', name), notice)
}

/** What `tsrun image pull` runs in Node.js: one file and the addon, as in the npm package. */
function makeDownloader(folder, { arch, addon }) {
  put(join(folder, 'package.json'), `${JSON.stringify({ name: 'tsrun', version, type: 'module' })}\n`)
  put(join(folder, `prebuilds/${process.platform}-${arch}/tsrun.node`), readFileSync(addon))
  for (const file of ['dist/package/download/main.js', 'dist/package/LICENSES'])
    put(join(folder, file), readFileSync(at(file)))
}

/** In Debian's format (DEP-5): ours, and what is linked into the executable. */
function copyright(parts) {
  const indented = readFileSync(at('LICENSE'), 'utf8').trimEnd().replace(/^/gm, ' ').replace(/^ $/gm, ' .')
  const linked = parts.map(({ name, version: its, terms }) => ` ${name} ${its} (${terms}): see linked/${name}\n`)
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: tsrun
Comment: Linked into the program are these, with their authors and terms in the folder beside this file:
${linked.join('')} To link the program anew with other versions of them: npm run build, in the sources of this release.

Files: *
Copyright: The tsrun authors
License: ${license}
${indented}
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

function makeDeb(work, file, build, time) {
  const folder = join(work, `deb-${build.arch}`)
  makeTree(folder, 'usr', build)
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const size = entries.reduce((sum, { parentPath, path, name }) => {
    return sum + Math.ceil(statSync(join(parentPath ?? path, name)).size / 1024)
  }, 0)
  const control = {
    Package: 'tsrun',
    Version: version,
    Architecture: debianNames[build.arch],
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

function makeTarball(work, file, build, time) {
  const name = basename(file, '.tar.gz')
  const folder = join(work, name)
  makeTree(join(folder, 'tree'), '.', build)
  put(join(folder, 'install.sh'), readFileSync(at('scripts/tarball-install.sh')), 0o755)
  const tar = join(work, 'tsrun.tar')
  const same = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', `--mtime=@${time}`, '--format=gnu']
  runQuietly('tar', ['-C', work, ...same, '-cf', tar, name])
  writeFileSync(file, gzipSync(readFileSync(tar), { level: 9 }))
}

/** The npm package. Its prepack builds what is missing. */
function makeNpmPackage(folder) {
  runQuietly('npm', ['pack', '--silent', '--pack-destination', folder])
  return join(folder, `tsrun-${version}.tgz`)
}

/** The files for one architecture; returns their paths. */
function makeFiles(folder, work, build, time) {
  const { arch, executable } = build
  const files = {
    executable: join(folder, `tsrun-${version}-linux-${arch}`),
    deb: join(folder, `tsrun_${version}_${debianNames[arch]}.deb`),
    tarball: join(folder, `tsrun-${version}-linux-${arch}.tar.gz`),
  }
  copyFileSync(executable, files.executable)
  chmodSync(files.executable, 0o755)
  makeDeb(work, files.deb, build, time)
  makeTarball(work, files.tarball, build, time)
  return Object.values(files)
}

async function release(args) {
  const asked = args.filter((arg) => Object.hasOwn(debianNames, arg))
  const archs = asked.length > 0 ? asked : Object.keys(debianNames)
  const folder = resolve(args.find((arg) => !asked.includes(arg)) ?? at('release'))
  checkVersion()
  // Whoever makes it: folders in the files are for all to read.
  process.umask(0o022)
  if (output('git', ['status', '--porcelain', '--untracked-files=no']) !== '')
    console.log('the files of this release are not those of the commit that they name: there are uncommitted changes')
  setUp('start', { tools: archs.includes(process.arch) && archs.length === 1 ? [] : ['release'] })
  if (!existsSync(at('dist/LICENSE.quickjs')))
    throw new Failure('a release needs the static executable: see docs/engine.md')
  const work = mkdtempSync(join(tmpdir(), 'tsrun-release-'))
  try {
    const time = releaseTime()
    const builds = []
    for (const arch of archs) builds.push(await built(arch))
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const all = [...builds.flatMap((build) => makeFiles(folder, work, build, time)), makeNpmPackage(folder)]
    const parts = Object.fromEntries(builds.map(({ arch, parts: list }) => [arch, list]))
    put(join(folder, `tsrun-${version}.cdx.json`), `${JSON.stringify(billOfMaterials(time, parts, all), null, 2)}\n`)
    put(join(folder, 'PROVENANCE'), provenance(time, archs))
    const names = readdirSync(folder).sort()
    put(join(folder, 'SHA256SUMS'), names.map((name) => `${digest(join(folder, name))}  ${name}\n`).join(''))
    run('ls', ['-l', folder])
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

if (isMain(import.meta.url)) await script(release)
