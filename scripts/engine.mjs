// Makes dist/tsrun: the command line on QuickJS, one static file (docs/engine.md).
// usage: node scripts/engine.mjs SOURCES COMMIT
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { bundleCommandLine } from './bundle.mjs'
import { debianSource } from './debian-source.mjs'
import { replaceCounts } from './engine-counts.mjs'
import { isMain, packageFile, root, runQuietly, script } from './process.mjs'
import { filesBelow } from './stamp.mjs'

/** Sources of the engine, as Debian 13 has them: they stay where they are for as long as that release is kept. */
export const engineSource = {
  version: '2025-04-26',
  name: 'quickjs-2025.04.26',
  file: 'q/quickjs/quickjs_2025.04.26.orig.tar.xz',
  sha256: 'ec81da5b3249ed648dbc7df4a1654988910e66a118d9b71cb63534216efcfbbe',
}

/** Node's own tests of Node-API (test/native/js-native-api.test.ts), of the version that Debian 13 has. */
export const nodeSource = {
  name: 'node-v20.19.2',
  file: 'n/nodejs/nodejs_20.19.2+dfsg.orig.tar.xz',
  sha256: '5e5559381ad031d245a8efa403458abbb73755f74c3e6380f185a4dd342b7949',
  members: ['test/js-native-api', 'LICENSE'],
}

const at = (path) => join(root, path)

/** Folder with the engine's sources as they are compiled: `{ folder }`, or `{ reason }` why there are none. */
export function engineSources() {
  const { folder: original, reason } = debianSource(engineSource)
  if (original === undefined) return { reason }
  const folder = at('build/engine/sources')
  mkdirSync(folder, { recursive: true })
  for (const file of readdirSync(original).filter((name) => /\.[ch]$|^VERSION$|^LICENSE$/.test(name))) {
    const text = readFileSync(join(original, file), 'utf8')
    writeChanged(join(folder, file), /^quickjs\.[ch]$/.test(file) ? replaceCounts(file, text) : text)
  }
  return { folder }
}

/** Leaves alone what is the same: it need not be compiled again. */
function writeChanged(path, text) {
  if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text)
}

/** Folder with Node's tests: `{ folder }`, or `{ reason }` why there are none. */
export function fetchNodeTests() {
  const { folder, reason } = debianSource(nodeSource)
  return folder === undefined ? { reason } : { folder: join(folder, 'test/js-native-api') }
}

/** What the executable is made of, for its stamp. */
export const engineInputs = () => [
  ...filesBelow(
    'native/engine',
    'src',
    'scripts/engine.mjs',
    'scripts/engine-counts.mjs',
    'scripts/bundle.mjs',
    'package.json',
  ),
  at('build/Release/build-stamp'),
]

/** Object files of an addon that the executable needs; none where the package's own addon is in use. */
export const addonObjects = (cmake) =>
  filesBelow(`${cmake}/CMakeFiles/tsrun.dir/native`).filter(
    (file) => file.endsWith('.o') && !file.includes('/native/library/'),
  )

/** Configures the build of native/engine in the folder `cmake`: `sources` of the engine, more `settings` for CMake. */
export function configureEngine(cmake, sources, settings = {}) {
  const all = {
    CMAKE_BUILD_TYPE: 'Release',
    ENGINE: sources,
    BUNDLE: at('build/engine/bundle'),
    NODE_API_HEADERS: packageFile('node-api-headers', 'include'),
    ADDON_OBJECTS: addonObjects('build/cmake').join(';'),
    ...settings,
  }
  const options = Object.entries(all).map(([name, value]) => `-D${name}=${value}`)
  runQuietly('cmake', ['-S', at('native/engine'), '-B', cmake, ...options])
}

/**
 * Builds the program in which tests run scripts and addons on the engine (test/helpers/judge); its path, or undefined where there
 * is no engine. `sanitize`: values of -fsanitize=; `collect`: garbage is collected at each allocation.
 */
export function buildJudge({ sanitize = '', collect = false } = {}) {
  const { folder } = engineSources()
  if (folder === undefined) return undefined
  const kind = [sanitize, collect ? 'collect' : ''].filter(Boolean).join('-')
  // The executable's own objects serve the plain one.
  const cmake = at(kind ? `build/judge/${kind}` : 'build/engine/cmake')
  configureEngine(cmake, folder, { TSRUN_SANITIZE: sanitize, TSRUN_FORCE_GC: collect ? 'ON' : 'OFF' })
  runQuietly('cmake', ['--build', cmake, '--target', 'judge', '--parallel', String(availableParallelism())])
  return join(cmake, 'judge')
}

/** Builds the executable. `commit`: for `--version`. */
async function buildEngine([folder, commit]) {
  const bundle = at('build/engine/bundle')
  await bundleCommandLine(bundle, commit)
  const cmake = at('build/engine/cmake')
  configureEngine(cmake, folder)
  runQuietly('cmake', ['--build', cmake, '--parallel', String(availableParallelism())])
  mkdirSync(at('dist'), { recursive: true })
  // By rename, since a process may be running the old file.
  copyFileSync(join(cmake, 'tsrun'), at('dist/tsrun.new'))
  renameSync(at('dist/tsrun.new'), at('dist/tsrun'))
  copyFileSync(join(folder, 'LICENSE'), at('dist/LICENSE.quickjs'))
}

if (isMain(import.meta.url)) await script(buildEngine)
