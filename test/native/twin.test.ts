/**
 * Node-API of the executable's engine beside that of Node.js: one addon, built for both, called with values of every kind,
 * says the same on both. Where the engine's own words of an exception differ, only they may.
 */
import { execFileSync } from 'node:child_process'
import { lstatSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { engineSources, judge } from '../helpers/judge.js'
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
    const turn = () => new Promise((done) => setImmediate(() => { gc(); setImmediate(done) }))
    console.log(await report(module.exports, turn))`
  writeFileSync(at('node.mjs'), script)
  return execFileSync(process.execPath, ['--expose-gc', at('node.mjs')], { encoding: 'utf8' })
    .trimEnd()
    .split('\n')
}

/** The same in the executable's engine: linked as that is, with this addon in the place of tsrun's. */
async function onEngine(): Promise<string[]> {
  const { folder = '' } = await engineSources()
  compile('-c', '-DON_ENGINE', '-iquote', join(projectRoot, 'native'), '-isystem', folder, '-o', at('twin.o'))
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
      const turn = async () => { module.exports.collect(); for (let job = 0; job < 20; job++) await undefined }
      report(module.exports, turn).then((text) => { console.error(text); process.exit(0) })
    }`
  writeFileSync(at('main.js'), main)
  execFileSync(join(engineBuild, 'compile'), [at('modules.bin'), at('main.js')])
  execFileSync(at('empty'), [at('snapshot.bin'), at('modules.bin')])
  execFileSync('objcopy', ['--update-section', `.snapshot=${at('snapshot.bin')}`, at('empty'), at('engine')])
  return execFileSync('sh', ['-c', `exec '${at('engine')}' 2>&1`], { encoding: 'utf8' })
    .trimEnd()
    .split('\n')
}

/** The same in the program that loads addons and frees all at its end. */
function onJudge(program: string): string[] {
  compile('-fPIC', '-shared', '-o', at('twin.node'))
  const script = `${readFileSync(twin('twin.js'), 'utf8').replaceAll(/^export /gm, '')}
    const turn = async () => { gc(); for (let job = 0; job < 20; job++) await undefined }
    report(load(args[0]), turn).then(print)`
  writeFileSync(at('judge.js'), script)
  return execFileSync(program, [at('judge.js'), at('twin.node')], { encoding: 'utf8', maxBuffer: 1 << 26 })
    .trimEnd()
    .split('\n')
}

/** An exception that JavaScript itself throws has the engine's own words. */
const withoutWords = (line: string): string => line.replace(/TypeError\([Cc]lass constructors? .*?\)/, 'TypeError(…)')

/** Lines that differ, with their numbers. */
function differing(node: readonly string[], engine: readonly string[]): object[] {
  return node.flatMap((line, number) =>
    withoutWords(line) === withoutWords(engine[number] ?? '') ? [] : [{ number, node: line, engine: engine[number] }],
  )
}

const program = await judge()
const node = onNode()
t.ok(node.length > 3000, 'all calls have been made')

t.test('every function of Node-API says the same in the executable as in Node.js', { skip }, async (t) => {
  const engine = await onEngine()
  t.equal(engine.length, node.length)
  t.same(differing(node, engine), [])
})

t.test('and so it does where all memory is freed at the end', { skip }, (t) => {
  t.same(differing(node, onJudge(program ?? '')), [])
  t.end()
})
