// Bundles the command line for the executable: ES modules, split where the sources import on demand.
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { leanCommander } from './lean-commander.mjs'
import { root } from './process.mjs'

/** Modules that the executable has not: using one is an error that says so, importing it is none. */
const missing = /^node:/

const withoutModules = {
  name: 'without-modules',
  setup(build) {
    build.onResolve({ filter: missing }, ({ path }) => ({ path, namespace: 'missing' }))
    build.onLoad({ filter: /.*/, namespace: 'missing' }, ({ path }) => ({
      contents: `module.exports = new Proxy({}, { get: (_, name) => function () {
        throw new Error(${JSON.stringify(`this executable has no ${path}`)} + ' (' + String(name) + ')') } })`,
      loader: 'js',
    }))
  },
}

const commander = {
  name: 'lean-commander',
  setup(build) {
    build.onLoad({ filter: /\/commander\/lib\/[^/]+\.js$/ }, ({ path }) => ({
      contents: leanCommander(path, readFileSync(path, 'utf8')),
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
  await build({
    entryPoints: { main: join(root, 'src/cli/main.ts') },
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
    plugins: [commander, withoutModules],
    define: {
      TSRUN_STANDALONE: 'true',
      TSRUN_VERSION: JSON.stringify(version),
      TSRUN_COMMIT: JSON.stringify(commit),
      'import.meta.url': '"file:///"',
    },
  })
}
