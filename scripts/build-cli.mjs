// Makes the standalone executable dist/tsrun; run by Bun.
// usage: bun scripts/build-cli.mjs [COMMIT [ENTRY OUTPUT]]
import packageJson from '../package.json' with { type: 'json' }
import { leanCommander } from './lean-commander.mjs'

const root = new URL('..', import.meta.url).pathname
const [commit = '', entry = `${root}src/cli/main.ts`, outfile = `${root}dist/tsrun`] = Bun.argv.slice(2)

const commander = {
  name: 'lean-commander',
  setup(build) {
    build.onLoad({ filter: /\/commander\/lib\/[^/]+\.js$/ }, async ({ path }) => ({
      contents: leanCommander(path, await Bun.file(path).text()),
      loader: 'js',
    }))
  },
}

const result = await Bun.build({
  entrypoints: [entry],
  target: 'bun',
  format: 'cjs',
  minify: true,
  bytecode: true,
  plugins: [commander],
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
