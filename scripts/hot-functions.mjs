// Writes native/engine/hot.ld: which functions the executable's usual commands run, so that the linker puts them side by side and few
// pages of the file are mapped (docs/engine.md). Needs root, valgrind and a bundle whose program goes on running.
// usage: node scripts/hot-functions.mjs BUNDLE
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isMain, output, root, script } from './process.mjs'

const at = (path) => join(root, path)
const cmake = at('build/engine/cmake')
const work = at('build/engine/hot')
const program = join(work, 'tsrun')
const stateRoot = join(work, 'state')

/** Valgrind has no clone3(2): what comes after it in create, run and exec is in the other commands too, or is not here. */
const commands = (bundle) => [
  ['create', '-b', bundle, 'other'],
  ['run', '-b', bundle, 'other'],
  ['--version'],
  ['list'],
  ['state', 'hot'],
  ['start', 'hot'],
  ['exec', 'hot', '/bin/sh', '-c', 'true'],
  ['kill', 'hot', 'KILL'],
  ['delete', '--force', 'hot'],
]

/** The executable with its symbols; the linker's map. */
function linkWithSymbols() {
  const line = readFileSync(join(cmake, 'CMakeFiles/unfinished.dir/link.txt'), 'utf8').trim().split(/\s+/)
  const map = join(work, 'map')
  const words = line.map((word) => (word === 'unfinished' ? `${program}.empty` : word)).filter((word) => word !== '-s')
  output(words[0], [...words.slice(1), `-Wl,-Map=${map}`], { cwd: cmake })
  // Its code is where that of the executable is: so the executable's heap fits.
  output('objcopy', ['--update-section', `.snapshot=${join(cmake, 'snapshot.bin')}`, `${program}.empty`, program])
  return readFileSync(map, 'utf8')
}

/** Names of the functions that a command runs. */
function functionsOf(command) {
  const file = join(work, 'callgrind')
  const options = ['--tool=callgrind', '--demangle=no', `--callgrind-out-file=${file}`]
  try {
    output('valgrind', [...options, program, '--root', stateRoot, ...command], { stdio: 'ignore' })
  } catch {
    // As create does, for want of clone3.
  }
  return [...readFileSync(file, 'utf8').matchAll(/^c?fn=\(\d+\) (\S+)/gm)].map(([, name]) => name.replace(/'\d+$/, ''))
}

/** Addresses of the functions by name, and of those that choose others when the process starts (ifuncs). */
function symbols() {
  const lines = output('nm', [program]).matchAll(/^([0-9a-f]+) ([tTwWi]) (\S+)$/gm)
  const all = [...lines].map(([, address, kind, name]) => ({ address: parseInt(address, 16), kind, name }))
  return {
    of: new Map(all.map(({ name, address }) => [name, address])),
    choosing: all.filter(({ kind }) => kind === 'i'),
  }
}

/** The linker's input sections of code: `{ begin, end, pattern }`. */
function sections(map) {
  const found = [...map.matchAll(/^ (\.text\S*)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S.*)$/gm)]
  return found.map(([, name, begin, size, file]) => {
    const [, archive, member] = /([^/]+\.a)\(([^)]+)\)$/.exec(file) ?? []
    const own = name.startsWith('.text.') && !/^\.text\.(unlikely|startup|evex|avx|sse)/.test(name)
    const pattern = own ? `*(${name})` : archive && `*${archive}:${member}(${name})`
    return { begin: parseInt(begin, 16), end: parseInt(begin, 16) + parseInt(size, 16), pattern }
  })
}

export function writeHotFunctions([bundle]) {
  rmSync(work, { recursive: true, force: true })
  mkdirSync(work, { recursive: true })
  const code = sections(linkWithSymbols())
  output(program, ['--root', stateRoot, 'create', '-b', bundle, 'hot'], { stdio: 'ignore' })
  const counts = new Map()
  for (const name of commands(bundle).flatMap((command) => functionsOf(command)))
    counts.set(name, (counts.get(name) ?? 0) + 1)
  // Valgrind lets it kill nothing.
  output(program, ['--root', stateRoot, 'delete', '--force', 'hot'])
  const { of, choosing } = symbols()
  // What most commands run comes first.
  const names = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a) || (a < b ? -1 : 1))
  const patterns = [...names, ...choosing.map(({ name }) => name)].map((name) => {
    const address = of.get(name)
    return code.find(({ begin, end }) => address >= begin && address < end)?.pattern
  })
  const lines = [...new Set(patterns.filter(Boolean))].map((pattern) => `    ${pattern}\n`)
  const head = '/* Made by scripts/hot-functions.mjs: what the usual commands run. */\n'
  const text = `${head}SECTIONS\n{\n  .text.hot :\n  {\n${lines.join('')}  }\n}\nINSERT BEFORE .text;\n`
  writeFileSync(at('native/engine/hot.ld'), text)
}

if (isMain(import.meta.url)) await script(writeHotFunctions)
