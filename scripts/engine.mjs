// Makes dist/tsrun: the command line on QuickJS, one static file (docs/engine.md).
// usage: node scripts/engine.mjs SOURCES COMMIT
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { availableParallelism, homedir } from 'node:os'
import { join } from 'node:path'
import { mirrors } from './apt.mjs'
import { bundleCommandLine } from './bundle.mjs'
import { isMain, packageFile, root, runQuietly, script } from './process.mjs'
import { filesBelow } from './stamp.mjs'

/** Sources of the engine, as Debian 13 has them: they stay where they are for as long as that release is kept. */
export const engineSource = {
  version: '2025-04-26',
  name: 'quickjs-2025.04.26',
  file: 'q/quickjs/quickjs_2025.04.26.orig.tar.xz',
  sha256: 'ec81da5b3249ed648dbc7df4a1654988910e66a118d9b71cb63534216efcfbbe',
}

/** Debian's section, and Ubuntu's for the same file. */
const sections = ['main', 'universe']
const aptHelper = '/usr/lib/apt/apt-helper'
const at = (path) => join(root, path)

/** Where the engine's sources are kept, outside of the project, for all its checkouts. */
const cacheFolder = () => join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tsrun-engine')

/**
 * Folder with the engine's sources, fetched on first use: `{ folder }`, or `{ reason }` why there are none.
 */
export function engineSources() {
  const folder = join(cacheFolder(), engineSource.name)
  if (existsSync(join(folder, 'quickjs.c'))) return { folder }
  if (!existsSync(aptHelper)) return { reason: "its engine comes from Debian's packages, and this is no Debian" }
  mkdirSync(cacheFolder(), { recursive: true })
  const archive = join(cacheFolder(), `${engineSource.name}-${process.pid}.tar.xz`)
  try {
    const problem = fetchSource(archive)
    if (problem) return { reason: problem }
    const unpacked = join(cacheFolder(), `unpacked-${process.pid}`)
    mkdirSync(unpacked)
    runQuietly('tar', ['-xJf', archive, '-C', unpacked])
    // Another checkout may have been faster.
    if (!existsSync(folder)) renameSync(join(unpacked, engineSource.name), folder)
    rmSync(unpacked, { recursive: true })
    return { folder }
  } finally {
    rmSync(archive, { force: true })
  }
}

/** Fetches the archive by apt, with its proxies and from its mirrors; why it could not, or undefined. */
function fetchSource(archive) {
  const checksum = `SHA256:${engineSource.sha256}`
  for (const mirror of mirrors()) {
    for (const section of sections) {
      const uri = `${mirror}/pool/${section}/${engineSource.file}`
      spawnSync(aptHelper, ['-qq', 'download-file', uri, archive, checksum], { stdio: 'ignore' })
      if (!existsSync(archive)) continue
      const found = createHash('sha256').update(readFileSync(archive)).digest('hex')
      if (found === engineSource.sha256) return undefined
      return `${engineSource.file} has another checksum than it should: ${found}`
    }
  }
  return `the mirrors of apt have no ${engineSource.file}`
}

/** What the executable is made of, for its stamp. */
export const engineInputs = () => [
  ...filesBelow('native/engine', 'src', 'scripts/engine.mjs', 'scripts/bundle.mjs', 'package.json'),
  at('build/Release/build-stamp'),
]

/** Object files of the addon that the executable needs; none where the package's own addon is in use. */
export const addonObjects = () =>
  filesBelow('build/cmake/CMakeFiles/tsrun.dir/native').filter(
    (file) => file.endsWith('.o') && !file.includes('/native/library/'),
  )

/** Builds the executable. `commit`: for `--version`. */
async function buildEngine([folder, commit]) {
  const bundle = at('build/engine/bundle')
  await bundleCommandLine(bundle, commit)
  const settings = {
    CMAKE_BUILD_TYPE: 'Release',
    ENGINE: folder,
    BUNDLE: bundle,
    NODE_API_HEADERS: packageFile('node-api-headers', 'include'),
    ADDON_OBJECTS: addonObjects().join(';'),
  }
  const options = Object.entries(settings).map(([name, value]) => `-D${name}=${value}`)
  const cmake = at('build/engine/cmake')
  runQuietly('cmake', ['-S', at('native/engine'), '-B', cmake, ...options])
  runQuietly('cmake', ['--build', cmake, '--parallel', String(availableParallelism())])
  mkdirSync(at('dist'), { recursive: true })
  // By rename, since a process may be running the old file.
  copyFileSync(join(cmake, 'tsrun'), at('dist/tsrun.new'))
  renameSync(at('dist/tsrun.new'), at('dist/tsrun'))
  copyFileSync(join(folder, 'LICENSE'), at('dist/LICENSE.quickjs'))
}

if (isMain(import.meta.url)) await script(buildEngine)
