// Cross-compiles executable, addon and tsrun-init for arm64 on a Debian host, into build/arm64/Release.
// usage: node scripts/arm64.mjs
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, homedir } from 'node:os'
import { join } from 'node:path'
import { fetchForeign, reasonAgainstPackages } from './apt.mjs'
import { build, commit } from './build.mjs'
import { bundleCommandLine } from './bundle.mjs'
import { addonObjects, configureEngine, engineSources } from './engine.mjs'
import { Failure, isMain, packageFile, root, runQuietly, script } from './process.mjs'
import { findProgram } from './tools.mjs'

const triple = 'aarch64-linux-gnu'
const emulator = 'qemu-aarch64-static'
const at = (path) => join(root, 'build/arm64', path)

/** What is linked in, of the same release as the compiler. */
const libraries = ['libseccomp-dev', 'libarchive-dev', 'zlib1g-dev', 'libzstd-dev', 'nettle-dev', 'musl-dev']

/** Why this host cannot build for arm64; undefined when it can. */
export function reasonAgainstArm64() {
  if (!findProgram(`${triple}-g++`)) return `needs ${triple}-g++ (Debian: g++-${triple})`
  if (!findProgram(emulator)) return `needs ${emulator} (Debian: qemu-user-static)`
  return reasonAgainstPackages() ?? engineSources().reason
}

/** Folder of the made files: tsrun, tsrun.node, tsrun-init, hello. @throws Failure where it cannot be done */
export async function buildArm64() {
  const reason = reasonAgainstArm64()
  if (reason) throw new Failure(`cannot build for arm64: ${reason}`)
  build(['library'])
  const sysroot = arm64Libraries()
  const common = {
    CMAKE_BUILD_TYPE: 'Release',
    CMAKE_SYSTEM_NAME: 'Linux',
    CMAKE_SYSTEM_PROCESSOR: 'aarch64',
    CMAKE_C_COMPILER: `${triple}-gcc`,
    CMAKE_CXX_COMPILER: `${triple}-g++`,
    CMAKE_LIBRARY_ARCHITECTURE: triple,
    CMAKE_FIND_ROOT_PATH: sysroot,
    CMAKE_FIND_ROOT_PATH_MODE_PROGRAM: 'NEVER',
    CMAKE_FIND_ROOT_PATH_MODE_LIBRARY: 'ONLY',
    CMAKE_CXX_FLAGS: `-isystem ${sysroot}/usr/include`,
    // The build runs two of the programs that it makes: the compiler to bytecode, and the executable that writes its heap.
    CMAKE_CROSSCOMPILING_EMULATOR: findProgram(emulator),
  }
  buildNative({
    ...common,
    CMAKE_JS_INC: `${packageFile('node-api-headers', 'include')};${packageFile('node-addon-api', '')}`,
    MUSL_SPECS: muslSpecs(sysroot),
    output_directory: at('Release'),
  })
  await buildExecutable(common)
  return at('Release')
}

/** Folder with the headers and static libraries of Debian's arm64 packages, in a cache for all checkouts. */
export function arm64Libraries() {
  const suite = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1]
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tsrun-engine')
  const folder = join(cache, `arm64-${suite}`)
  if (existsSync(folder)) return folder
  mkdirSync(cache, { recursive: true })
  fetchForeign(libraries, suite, 'arm64', folder)
  return folder
}

/** What Debian's package has as a file for gcc, with the paths of the cache. */
function muslSpecs(sysroot) {
  const musl = 'aarch64-linux-musl'
  const specs = readFileSync(join(sysroot, `usr/lib/${musl}/musl-gcc.specs`), 'utf8')
  mkdirSync(at(''), { recursive: true })
  writeFileSync(at('musl.specs'), specs.replaceAll(/(?<!\S)(-L)?(\/usr\/(include|lib)\/)/g, `$1${sysroot}$2`))
  return at('musl.specs')
}

function make(folder, targets) {
  const parallel = ['--parallel', String(availableParallelism())]
  runQuietly('cmake', ['--build', folder, ...targets.flatMap((target) => ['--target', target]), ...parallel])
}

function buildNative(settings) {
  const options = Object.entries(settings).map(([name, value]) => `-D${name}=${value}`)
  runQuietly('cmake', ['-S', root, '-B', at('native'), ...options])
  make(at('native'), ['tsrun', 'tsrun-init', 'hello'])
}

async function buildExecutable(settings) {
  await bundleCommandLine(at('bundle'), commit())
  const own = { BUNDLE: at('bundle'), ADDON_OBJECTS: addonObjects('build/arm64/native').join(';') }
  // What is run in the build finds no libraries of arm64 here.
  const alone = { CMAKE_EXE_LINKER_FLAGS: '-static' }
  configureEngine(at('engine'), engineSources().folder, { ...settings, ...own, ...alone })
  make(at('engine'), ['executable'])
  runQuietly('cp', [at('engine/tsrun'), at('Release/tsrun')])
}

if (isMain(import.meta.url)) {
  await script(async () => {
    const folder = await buildArm64()
    console.log(`built ${readdirSync(folder).join(', ')} in ${folder}`)
  })
}
