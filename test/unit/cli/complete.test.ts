/** Completion and help tell the same as the tables of options and arguments, which man.test.ts compares the man pages with. */
import t, { type Test } from 'tap'
import { buildCommand } from '#dist/cli/command.js'
import { complete, shells } from '#dist/cli/complete.js'
import { commands, loadCommand, program } from '#dist/cli/program.js'

const asked: (string | undefined)[] = []
const containers = (root: string | undefined) => {
  asked.push(root)
  return Promise.resolve([{ word: 'web', about: 'running, /b' }])
}

/** The words that may stand there, or who looks for them. */
async function words(...line: string[]): Promise<string | string[]> {
  const completion = await complete(line, containers)
  return typeof completion === 'string' ? completion : completion.map(({ word }) => word)
}

const flagsOf = (options: readonly { name: string }[]): string[] => [
  ...options.map(({ name }) => `--${name}`),
  '--help',
]

t.test('the first word is a global flag or a command', async (t) => {
  t.same(await words(''), Object.keys(commands))
  t.same(await words('--'), flagsOf(program.options))
  t.same(await words('st'), ['start', 'state'])
  t.same(await words('--root', '/x', 'sta'), ['start', 'state'])
  t.same(await words('nothing', ''), [])
})

for (const name of Object.keys(commands)) {
  t.test(`${name}: completion and help have its flags, each with its description`, async (t) => {
    const command = await loadCommand(name)
    t.same(await words(name, '--'), flagsOf(command.options))
    const help = buildCommand(`tsrun ${name}`, command).helpInformation()
    for (const option of command.options) {
      t.ok(help.includes(`--${option.name}`), option.name)
      t.ok(help.replace(/\s+/g, ' ').includes(option.description.replace(/\s+/g, ' ')), option.name)
      if (option.choices !== undefined) await choicesComplete(t, name, option.name, option.choices)
    }
  })
}

async function choicesComplete(t: Test, command: string, option: string, choices: readonly string[]): Promise<void> {
  t.same(await words(command, `--${option}`, ''), choices)
  t.same(
    await words(command, `--${option}=`),
    choices.map((choice) => `--${option}=${choice}`),
  ) // zsh, fish
  t.same(await words(command, `--${option}`, '='), choices) // bash
}

t.test('values: those of a list, files, directories', async (t) => {
  t.same(await words('--log-format', 'js'), ['json'])
  t.same(await words('--log-format', '=', 'js'), ['json'])
  t.equal(await words('run', '--bundle', '/t'), 'directories')
  t.equal(await words('run', '-b', ''), 'directories')
  t.equal(await words('run', '--pid-file='), 'files')
  t.same(await words('run', '--preserve-fds', ''), [])
  t.same(await words('list', '-f', ''), ['table', 'json'])
})

t.test('positionals: containers that are there, commands, signals, shells', async (t) => {
  asked.length = 0
  t.same(await words('state', ''), ['web'])
  t.same(await words('--root', '/x', 'exec', '-it', 'w'), ['web'])
  t.same(await words('--root=/y', 'kill', ''), ['web'])
  t.same(asked, [undefined, '/x', '/y'])
  t.same(await words('kill', 'web', 'T'), ['TRAP', 'TERM', 'TSTP', 'TTIN', 'TTOU'])
  t.same(await words('run', ''), [], 'a new id is nobody to guess')
  t.same(await words('help', 'pa'), ['pause'])
  t.same(await words('completion', ''), shells)
  t.same(await words('exec', 'web', ''), [], 'programs of the container are not known')
  t.same(await words('exec', 'web', '--'), [], 'flags of its program are not ours')
  t.same(await words('state', 'web', ''), [])
})
