/**
 * Node-API of the executable's engine beside that of Node.js: one addon, built for both, called with values of every kind,
 * says the same on both. Where the engine's own words of an exception differ, only they may.
 */
import { execFileSync } from 'node:child_process'
import { lstatSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../helpers/tools.js'

const engineBuild = join(projectRoot, 'build/engine/cmake')
const skip =
  lstatSync(join(projectRoot, 'dist/tsrun')).isSymbolicLink() && 'needs the engine, which this machine has not'

const folder = mkdtempSync(join(tmpdir(), 'twin-'))
t.teardown(() => {
  rmSync(folder, { recursive: true, force: true })
})
const at = (name: string): string => join(folder, name)
const twin = (name: string): string => join(projectRoot, 'test/helpers/twin', name)

const headers = ['-DNAPI_VERSION=9', `-I${join(projectRoot, 'node_modules/node-api-headers/include')}`]
const compile = (...args: string[]) => execFileSync('g++', ['-std=c++20', '-O1', ...headers, twin('twin.cc'), ...args])

/** What the script prints in Node.js. */
function onNode(): string[] {
  compile('-fPIC', '-shared', '-o', at('twin.node'))
  const script = `
    import { report } from ${JSON.stringify(twin('twin.js'))}
    const module = { exports: {} }
    process.dlopen(module, ${JSON.stringify(at('twin.node'))})
    console.log(report(module.exports))`
  writeFileSync(at('node.mjs'), script)
  return execFileSync(process.execPath, [at('node.mjs')], { encoding: 'utf8' })
    .trimEnd()
    .split('\n')
}

/** The same in the executable's engine: linked as that is, with this addon in the place of tsrun's. */
function onEngine(): string[] {
  compile('-c', '-o', at('twin.o'))
  const link = readFileSync(join(engineBuild, 'CMakeFiles/unfinished.dir/link.txt'), 'utf8').trim().split(/\s+/)
  const own = join(projectRoot, 'build/cmake')
  const words = link.filter((word) => !word.startsWith(own)).map((word) => (word === 'unfinished' ? at('empty') : word))
  const [linker = '', ...args] = words
  execFileSync(linker, [...args, at('twin.o')], { cwd: engineBuild })
  const main = `${readFileSync(twin('twin.js'), 'utf8')}
    export function prepare() {}
    export function start() {
      const module = { exports: {} }
      process.dlopen(module, '')
      console.error(report(module.exports))
      process.exit(0)
    }`
  writeFileSync(at('main.js'), main)
  execFileSync(join(engineBuild, 'compile'), [at('modules.bin'), at('main.js')])
  execFileSync(at('empty'), [at('snapshot.bin'), at('modules.bin')])
  execFileSync('objcopy', ['--update-section', `.snapshot=${at('snapshot.bin')}`, at('empty'), at('engine')])
  return execFileSync('sh', ['-c', `exec '${at('engine')}' 2>&1`], { encoding: 'utf8' })
    .trimEnd()
    .split('\n')
}

/** An exception that JavaScript itself throws has the engine's own words. */
const withoutWords = (line: string): string => line.replace(/TypeError\([Cc]lass constructors? .*?\)/, 'TypeError(…)')

t.test('every function of Node-API says the same in the executable as in Node.js', { skip }, (t) => {
  const [node, engine] = [onNode(), onEngine()]
  t.ok(node.length > 3000, 'all calls have been made')
  t.equal(engine.length, node.length)
  const differing = node.flatMap((line, number) =>
    withoutWords(line) === withoutWords(engine[number] ?? '') ? [] : [{ number, node: line, engine: engine[number] }],
  )
  t.same(differing, [])
  t.end()
})
