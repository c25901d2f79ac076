// Makes the standalone executable dist/tsrun; run by Bun.
// usage: bun scripts/build-cli.mjs [COMMIT [ENTRY OUTPUT]]
import packageJson from '../package.json' with { type: 'json' }

const root = new URL('..', import.meta.url).pathname
const [commit = '', entry = `${root}src/cli/main.ts`, outfile = `${root}dist/tsrun`] = Bun.argv.slice(2)

// Commander loads these modules only for sub-commands that are programs of their own, which tsrun
// doesn't have; loading them takes 1 to 2 ms of every start.
const absent = `new Proxy({}, { get(_, name) { throw new Error('not in the tsrun executable: ' + String(name)) } })`

// The part of node:events that Commander uses.
const emitter = `class EventEmitter {
  handlers = new Map()
  on(name, handler) { this.listeners(name).push(handler); return this }
  once(name, handler) {
    const once = (...args) => { this.removeListener(name, once); handler(...args) }
    return this.on(name, once)
  }
  listeners(name) {
    if (!this.handlers.has(name)) this.handlers.set(name, [])
    return this.handlers.get(name)
  }
  listenerCount(name) { return this.handlers.get(name)?.length ?? 0 }
  removeListener(name, handler) { this.handlers.set(name, this.listeners(name).filter((h) => h !== handler)); return this }
  emit(name, ...args) {
    const handlers = [...(this.handlers.get(name) ?? [])]
    for (const handler of handlers) handler.apply(this, args)
    return handlers.length > 0
  }
}`

const replacements = [
  [`require('node:events').EventEmitter`, emitter],
  [`require('node:child_process')`, absent],
  [`require('node:path')`, absent],
  [`require('node:fs')`, absent],
  [`require('node:process')`, 'globalThis.process'],
]

const leanCommander = {
  name: 'lean-commander',
  setup(build) {
    build.onLoad({ filter: /\/commander\/lib\/[^/]+\.js$/ }, async ({ path }) => {
      let contents = await Bun.file(path).text()
      if (path.endsWith('/command.js')) {
        for (const [from, to] of replacements) {
          // A new version of Commander may be written otherwise: better to stop than to be slow.
          if (!contents.includes(from)) throw new Error(`${path} has no ${from}`)
          contents = contents.replace(from, to)
        }
      }
      return { contents, loader: 'js' }
    })
  },
}

const result = await Bun.build({
  entrypoints: [entry],
  target: 'bun',
  format: 'cjs',
  minify: true,
  bytecode: true,
  plugins: [leanCommander],
  define: {
    TSRUN_STANDALONE: 'true',
    TSRUN_VERSION: JSON.stringify(packageJson.version),
    TSRUN_COMMIT: JSON.stringify(commit),
  },
  // A Bun executable would otherwise run or obey these files of the current directory, which an engine
  // sets to the bundle: code execution as root.
  compile: {
    outfile,
    autoloadDotenv: false,
    autoloadBunfig: false,
    autoloadTsconfig: false,
    autoloadPackageJson: false,
    // A command is over before compiled code could pay: without the JIT's threads and memory, each saves 1 ms.
    jitPolicy: 1000,
  },
})
for (const message of result.logs) console.error(String(message))
if (!result.success) process.exit(1)
