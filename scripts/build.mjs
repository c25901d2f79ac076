// Builds what has changed: library (tsc), native code (cmake-js), executable (QuickJS), tests (tsc).
// usage: node scripts/build.mjs [library|header|native|executable|tests ...]     (default: the first three)
import { chmodSync, existsSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative } from 'node:path'
import { engineInputs, engineSources } from './engine.mjs'
import { Failure, isMain, output, packageFile, root, run, runQuietly, script } from './process.mjs'
import { updateWireHash, wireTables } from './wires.mjs'
import { filesBelow, hashOf, isFresh, writeStamp } from './stamp.mjs'

const at = (path) => join(root, path)
const node = process.execPath

/** Folder of the prebuilt native files in the npm package for this platform. */
export const prebuiltFolder = at(`prebuilds/${process.platform}-${process.arch}`)
/** Files that the native step makes, in build/Release; the package brings them in the folder above. */
export const nativeOutputs = ['tsrun.node', 'hello']

const steps = { library, header, native, executable, tests }

/** Where CMake works; `build` itself is node-gyp's. */
export const cmakeFolder = 'build/cmake'

/** Runs the named build steps in order; each does nothing when its inputs haven't changed. */
export function build(names) {
  updateWireHash()
  for (const name of names) {
    if (!Object.hasOwn(steps, name)) throw new Failure(`unknown build step ${name}: ${Object.keys(steps).join(', ')}`)
    steps[name]()
  }
}

/** Hash of everything native code is made from; the plan's step table is part of it. */
export function nativeHash() {
  const { dependencies } = JSON.parse(readFileSync(at('package.json'), 'utf8'))
  const versions = ['node-addon-api', 'node-api-headers'].map((name) => dependencies[name]).join()
  return hashOf(
    filesBelow('CMakeLists.txt', 'native', 'scripts/generate-wires.mjs', 'scripts/wires.mjs', ...wireTables),
    `${process.platform}-${process.arch} ${versions}`,
  )
}

const libraryHash = () => hashOf(filesBelow('src', 'tsconfig.json'))

function library() {
  step('TypeScript', 'dist/build-stamp', libraryHash(), [at('dist/index.js')], () => {
    compile(root, at('dist'))
    chmodSync(at('dist/cli/main.js'), 0o755) // npm sets it on install; a clone is to work as well
  })
  const inputs = hashOf(filesBelow('dist/build-stamp', 'scripts/bundle.mjs', 'package-lock.json'))
  step('bundles', 'dist/package/build-stamp', inputs, [at('dist/package/index.js')], () =>
    // In a process of its own, since the bundler works on the event loop.
    run(node, ['scripts/bundle.mjs', 'dist/package']),
  )
}

function native() {
  const hash = nativeHash()
  const outputs = nativeOutputs.map((name) => at(`build/Release/${name}`))
  step('native code', 'build/Release/build-stamp', hash, outputs, () => {
    forgetMovedTree()
    // Not `cmake-js compile`: on an error it removes the whole build folder and begins again.
    const options = ['--prefer-make', '--log-level', 'warn', '--parallel', String(availableParallelism())]
    const folders = ['--directory', root, '--out', at(cmakeFolder)]
    runQuietly(node, [tool('cmake-js', 'bin/cmake-js'), 'build', ...options, ...folders])
  })
}

/**
 * Called by CMake: the headers are generated from the compiled tables; other files of src/ may be broken meanwhile. The npm
 * package brings no more of it than these tables.
 */
function header() {
  if (existsSync(at('src/index.ts')) && !isFresh(at('dist/build-stamp'), libraryHash(), [at('dist/plan/steps.js')])) {
    const options =
      '--module nodenext --target es2022 --verbatimModuleSyntax --skipLibCheck --rootDir src --outDir dist'.split(' ')
    run(node, [tool('typescript', 'bin/tsc'), ...wireTables, ...options])
  }
  run(node, ['scripts/generate-wires.mjs', 'build/generated'])
}

/** CMake refuses a folder that was configured at another place; only its cache has to go. */
function forgetMovedTree() {
  const cache = at(`${cmakeFolder}/CMakeCache.txt`)
  if (!existsSync(cache) || readFileSync(cache, 'utf8').includes(`CMAKE_HOME_DIRECTORY:INTERNAL=${root}\n`)) return
  rmSync(at(cmakeFolder), { recursive: true })
}

/** The command line on QuickJS; where that can't be made, in Node. */
function executable() {
  native()
  const { folder, reason } = engineSources()
  if (folder === undefined) return commandLineInNode(reason)
  step('executable', 'dist/executable-stamp', hashOf(engineInputs(), commit()), [at('dist/tsrun')], () =>
    // In a process of its own, since the bundler works on the event loop.
    run(node, ['scripts/engine.mjs', folder, commit()]),
  )
}

function commandLineInNode(reason) {
  rmSync(at('dist/tsrun'), { force: true })
  rmSync(at('dist/executable-stamp'), { force: true })
  symlinkSync('cli/main.js', at('dist/tsrun'))
  console.log(`dist/tsrun runs in Node.js: ${reason}`)
}

function tests() {
  library()
  const inputs = filesBelow('test', 'dist/build-stamp').filter((file) => /\.ts$|\.json$|-stamp$/.test(file))
  step('tests', 'build/test/build-stamp', hashOf(inputs), [at('build/test')], () => {
    // A test whose source is gone must not run.
    for (const file of filesBelow('build/test').filter((name) => name.endsWith('.js'))) {
      if (!existsSync(join(at('test'), relative(at('build/test'), file).replace(/js$/, 'ts')))) rmSync(file)
    }
    compile(at('test'), at('build/test'))
  })
}

/** Compiles a project; the compiler keeps in the folder of its output what it need not look at again. */
function compile(project, output) {
  const memory = ['--incremental', '--tsBuildInfoFile', join(output, '.tsbuildinfo')]
  run(node, [tool('typescript', 'bin/tsc'), '-p', project, ...memory])
}

/** The commit that is checked out, for `--version`; '' where there is none. */
export function commit() {
  if (!existsSync(at('.git'))) return ''
  try {
    return output('git', ['rev-parse', 'HEAD']).trim()
  } catch {
    return ''
  }
}

function step(name, stamp, hash, outputs, work) {
  if (isFresh(at(stamp), hash, outputs)) return
  const begin = performance.now()
  work()
  const missing = outputs.find((path) => !existsSync(path))
  if (missing) throw new Failure(`the build made no ${missing}`)
  writeStamp(at(stamp), hash)
  console.log(`built ${name} (${((performance.now() - begin) / 1000).toFixed(1)} s)`)
}

function tool(name, file) {
  const path = packageFile(name, file)
  if (!path) throw new Failure(`the npm package ${name} is not installed: run npm ci`)
  return path
}

if (isMain(import.meta.url)) {
  await script((names) => build(names.length > 0 ? names : ['library', 'native', 'executable']))
}
