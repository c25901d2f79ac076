/** The library as an npm package: wherever it is installed, and in a program that a bundler has made one file of. */
import { copyFileSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { engines } from '../helpers/nodes.js'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'
import { projectRoot } from '../helpers/tools.js'

const needs = ['tsrun'] as const

const program = `
import { Runtime } from 'tsrun'
const [root, bundle, id] = process.argv.slice(2)
const runtime = new Runtime({ root })
const main = async () => {
  const container = await runtime.create(id, { bundle, stdio: ['ignore', 'pipe', 'inherit'] })
  await container.start()
  for await (const text of container.stdout) console.log(String(text).trim())
  console.log((await container.wait()).code, runtime.features().annotations['org.tsrun.version'])
  await container.delete()
  try {
    await runtime.create(id, { bundel: bundle })
  } catch (error) {
    console.log(error.message)
  }
}
main()
`
const sandbox = `
import { run, Runtime } from 'tsrun'
const [root, id] = process.argv.slice(2)
const limits = { memory: '256M', cpus: 0.5, pids: 64, time: '5s', output: '1M' }
const { stdout, exit } = await run({ rootfs: 'host', args: ['id'], limits, network: 'none', runtime: new Runtime({ root }), id })
console.log(stdout.split(' ')[0], exit.code, exit.timedOut)
`
const expected = `hello
0 0.1.0
invalid options of create: bundle: is missing; unknown member "bundel"; did you mean "bundle"?
`

/** Installs the package below a folder, as npm lays it out. */
function install(folder: string): string {
  const place = join(folder, 'node_modules/tsrun')
  mkdirSync(join(place, 'build/Release'), { recursive: true })
  cpSync(join(projectRoot, 'dist/package'), join(place, 'dist/package'), { recursive: true })
  copyFileSync(join(projectRoot, 'package.json'), join(place, 'package.json'))
  copyFileSync(join(projectRoot, 'build/Release/tsrun.node'), join(place, 'build/Release/tsrun.node'))
  return place
}

/** Runs a file with a container that says hello. */
function run(scope: Scope, file: string): { status: number | null; stdout: string; stderr: string } {
  const { path } = scope.bundle((config) => (config.process.args = ['/bin/echo', 'hello']))
  const { status, stdout, stderr } = scope.runner.runProgram(process.execPath, [file, scope.root, path, scope.newId()])
  return { status, stdout, stderr }
}

test(
  'the package works in a path with a space and other characters that URLs escape',
  (t, scope) => {
    const folder = scope.path('a folder, 100% ü')
    install(folder)
    const file = join(folder, 'main.mjs')
    writeFileSync(file, program)
    t.same(run(scope, file), { status: 0, stdout: expected, stderr: '' })
  },
  { needs },
)

for (const engine of engines()) {
  test(
    `a program of a few lines runs another one in a sandbox: ${engine.name}`,
    (t, scope) => {
      if (engine.missing !== false) {
        t.pass(engine.name, { skip: engine.missing })
        return
      }
      const folder = scope.path('empty')
      install(folder)
      const file = join(folder, 'main.mjs')
      writeFileSync(file, sandbox)
      const { status, stdout, stderr } = scope.runner.runProgram(engine.path, [file, scope.root, scope.newId()])
      t.same({ status, stdout, stderr }, { status: 0, stdout: 'uid=65534(nobody) 0 false\n', stderr: '' })
    },
    { needs },
  )
}

for (const format of ['esm', 'cjs'] as const) {
  test(
    `a program that esbuild has bundled finds the addon of the installed package: ${format}`,
    async (t, scope) => {
      const folder = scope.path('app')
      install(folder)
      writeFileSync(join(folder, 'main.mjs'), program)
      const outfile = join(folder, `out/dir/bundle.${format === 'esm' ? 'mjs' : 'cjs'}`)
      await build({
        entryPoints: [join(folder, 'main.mjs')],
        ...{ outfile, bundle: true, platform: 'node', format, logLevel: 'error' },
      })
      t.same(run(scope, outfile), { status: 0, stdout: expected, stderr: '' })
    },
    { needs },
  )
}

test(
  'without its addon the package says so at once, and where it has looked',
  (t, scope) => {
    const folder = scope.path('broken')
    const place = install(folder)
    rmSync(join(place, 'build'), { recursive: true })
    const file = join(folder, 'main.mjs')
    writeFileSync(file, program)
    const { status, stderr } = run(scope, file)
    t.equal(status, 1)
    t.match(stderr, /UnsupportedError: the native addon of tsrun cannot be loaded: it is at none of these places: /)
    t.match(stderr, `${place}/build/Release/tsrun.node`)
  },
  { needs },
)
