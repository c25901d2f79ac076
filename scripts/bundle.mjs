// Bundles the command line for the executable: ES modules, split where the sources import on demand.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './process.mjs'

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
