// Bundles the command line for the executable, as ES modules that are split where the sources import on demand; and what
// the npm package runs in Node.js, in few files, which load faster. usage: node scripts/bundle.mjs FOLDER   (the latter)
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isMain, root, script } from './process.mjs'
import { filesBelow } from './stamp.mjs'

/** What Commander needs of Node.js to print help: the rest of it is for sub-commands that are programs. */
const provided = {
  'node:events': `exports.EventEmitter = class { on() { return this } }`,
  'node:process': `module.exports = globalThis.process`,
}

/** Of other modules, using one is an error that says so, importing it is none. */
const absent = (path) => `module.exports = new Proxy({}, { get: (_, name) => function () {
  throw new Error(${JSON.stringify(`this executable has no ${path}`)} + ' (' + String(name) + ')') } })`

const modulesOfNode = {
  name: 'modules-of-node',
  setup(build) {
    build.onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'node' }))
    build.onLoad({ filter: /.*/, namespace: 'node' }, ({ path }) => ({
      contents: provided[path] ?? absent(path),
      loader: 'js',
    }))
  },
}

/** Writes main.js and its chunks to `folder`, which is emptied before. */
export async function bundleCommandLine(folder, commit) {
  // Only now: the set-up that installs it imports this file too.
  const { build } = await import('esbuild')
  rmSync(folder, { recursive: true, force: true })
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const { outputFiles } = await build({
    write: false,
    entryPoints: { main: join(root, 'src/cli/executable.ts') },
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    // What the engine of 2025 knows.
    target: 'es2022',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['import', 'node'],
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
    plugins: [modulesOfNode],
    define: {
      TSRUN_STANDALONE: 'true',
      TSRUN_VERSION: JSON.stringify(version),
      TSRUN_COMMIT: JSON.stringify(commit),
      'import.meta.url': '"file:///"',
    },
  })
  mkdirSync(folder, { recursive: true })
  for (const { path, text } of outputFiles) writeFileSync(path, withoutDemand(text))
}

/** All modules are evaluated when the executable is built: what is imported on demand is there, and need not be looked for. */
function withoutDemand(text) {
  const imports = []
  const result = text.replace(/\bimport\((".\/[\w.-]+")\)/g, (_, name) => {
    imports.push(`import*as demand$${imports.length} from${name};`)
    return `Promise.resolve(demand$${imports.length - 1})`
  })
  return imports.join('') + result
}

/** Rooms whose imports on demand the library never meets. */
const notOfLibrary = /\/src\/(cli|doctor|download)\//
const onDemandImport = /\bimport\('(\.[^']+)\.js'\)/g

/** Makes one module of all that the library imports on demand: each in a file of its own would cut the rest into dozens. */
const onDemand = {
  name: 'on-demand',
  setup(build) {
    const all = []
    const nameOf = (file, path) => {
      const wanted = join(dirname(file), `${path}.ts`)
      return `module${all.includes(wanted) ? all.indexOf(wanted) : all.push(wanted) - 1}`
    }
    const sources = filesBelow('src').filter((file) => !notOfLibrary.test(file))
    const changed = sources.flatMap((file) => {
      const text = readFileSync(file, 'utf8')
      const other = text.replace(
        onDemandImport,
        (_, path) => `import('on-demand').then((all) => all.${nameOf(file, path)})`,
      )
      return other === text ? [] : [[file, other]]
    })
    const texts = new Map(changed)
    build.onResolve({ filter: /^on-demand$/ }, ({ path }) => ({ path, namespace: 'on-demand' }))
    build.onLoad({ filter: /.*/, namespace: 'on-demand' }, () => ({
      contents: all.map((file, index) => `export * as module${index} from ${JSON.stringify(file)}`).join('\n'),
      resolveDir: root,
    }))
    build.onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => {
      const contents = texts.get(path)
      return contents === undefined ? undefined : { contents, loader: 'ts' }
    })
  },
}

/** Packages whose code is in what is shipped: users of the npm package need not install them. */
export const bundled = ['commander', 'zod']

/** Writes what package.json exports, the library's worker, the command line and the downloader of images to `folder`. */
async function bundlePackage([folder]) {
  const { build } = await import('esbuild')
  rmSync(folder, { recursive: true, force: true })
  const options = {
    ...{ outdir: folder, outbase: join(root, 'src'), bundle: true, format: 'esm', platform: 'node', target: 'node20' },
    // Names stay: those of error classes are told, and stacks are read. Node.js prints the line that an error comes from.
    ...{ minifyWhitespace: true, minifySyntax: true, lineLimit: 160, legalComments: 'none', logLevel: 'warning' },
    define: { TSRUN_PACKAGED: 'true' },
  }
  const at = (path) => join(root, 'src', path)
  await build({
    ...{ ...options, splitting: true, plugins: [onDemand], chunkNames: '[name]-[hash]' },
    entryPoints: [at('index.ts'), at('library/core.ts')],
  })
  // One file each: what they import on demand is in it, and runs when it is asked for.
  await build({ ...options, entryPoints: [at('cli/main.ts'), at('download/main.ts')] })
  const licences = bundled.map(
    (name) => `${name}\n\n${readFileSync(join(root, 'node_modules', name, 'LICENSE'), 'utf8')}`,
  )
  writeFileSync(join(folder, 'LICENSES'), `Packages whose code is in these files:\n\n${licences.join('\n')}`)
}

if (isMain(import.meta.url)) await script(bundlePackage)
