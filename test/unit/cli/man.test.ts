/** The man pages tell the same as the option tables. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { OptionSpec } from '#dist/cli/argv.js'
import { actions as bundleActions } from '#dist/cli/commands/bundle.js'
import { actions as imageActions } from '#dist/cli/commands/image.js'
import { commands, loadCommand, program } from '#dist/cli/program.js'

const folder = fileURLToPath(new URL('../docs/man/', import.meta.resolve('#dist/index.js')))

/** Text without the macros and escapes of roff(7). */
const plain = (line: string): string =>
  line
    .replace(/^\.B[RI]? /, '')
    .replace(/\\f[BIR]/g, '')
    .replace(/ ?" ?([^"]*)" ?/g, '$1 ')
    .replace(/\\-/g, '-')
    .replace(/ +/g, ' ')
    .trim()

const read = (page: string): string[] => readFileSync(`${folder}${page}.8`, 'utf8').split('\n')

/** The tags of the list in a section: `-b, --bundle DIR`. */
function tags(page: string, section: string): string[] {
  const lines = read(page)
  const from = lines.indexOf(`.SH ${section}`) + 1
  const to = lines.findIndex((line, at) => at > from && line.startsWith('.SH'))
  return lines.slice(from, to).flatMap((line, at, all) => (all[at - 1] === '.TP' ? [plain(line)] : []))
}

function tag(option: OptionSpec): string {
  const names = `${option.short === undefined ? '' : `-${option.short}, `}--${option.name}`
  return option.kind === 'boolean' ? names : `${names} ${option.value ?? 'VALUE'}`
}

const synopsis = (page: string): string => plain(read(page)[read(page).indexOf('.SH SYNOPSIS') + 2] ?? '')

t.test('tsrun(8) has the global options and all commands', async (t) => {
  t.same(tags('tsrun', 'GLOBAL OPTIONS'), [...program.options.map(tag), '-h, --help'])
  const names = Object.keys(commands).map((name) => (name === 'help' ? 'help [command]' : `tsrun-${name} (8)`))
  t.same(tags('tsrun', 'COMMANDS'), names)
})

for (const name of Object.keys(commands).filter((name) => name !== 'help')) {
  t.test(`tsrun-${name}(8) has the options and arguments of the command`, async (t) => {
    const command = await loadCommand(name)
    t.equal(command.name, name)
    t.same(tags(`tsrun-${name}`, 'OPTIONS'), [...command.options.map(tag), '-h, --help'])
    const options = command.options.length === 0 ? [] : ['[options]']
    const positionals = command.arguments.map((argument) => argument.replace(/^<(.*)>$/, '$1'))
    t.equal(synopsis(`tsrun-${name}`), ['[global options]', name, ...options, ...positionals].join(' '))
  })
}

for (const [group, actions] of Object.entries({ image: imageActions, bundle: bundleActions })) {
  t.test(`tsrun-${group}(8) has the options of its actions`, async (t) => {
    for (const [name, action] of Object.entries(actions)) {
      const { command } = await action.load()
      t.equal(command.name, name)
      t.same(tags(`tsrun-${group}`, `${name.toUpperCase()} OPTIONS`), [...command.options.map(tag), '-h, --help'])
    }
  })
}

t.test('every page is that of a command', async (t) => {
  const pages = Object.keys(commands).flatMap((name) => (name === 'help' ? [] : [`tsrun-${name}.8`]))
  t.same(readdirSync(folder).sort(), ['tsrun.8', ...pages].sort())
})
