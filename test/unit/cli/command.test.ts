/** From option tables to values by way of Commander. */
import t from 'tap'
import { defineCommand, MisuseError, parseArguments } from '#dist/cli/command.js'
import { memberOf, unlessEmpty } from '#dist/cli/argv.js'
import { command as create } from '#dist/cli/commands/create.js'
import { command as exec } from '#dist/cli/commands/exec.js'
import type { ObjectNode } from '#dist/config/schema/shape.js'
import { execShape } from '#dist/library/options.js'

const sample = defineCommand({
  name: 'sample',
  description: 'A sample.',
  options: [
    { name: 'bundle', short: 'b', kind: 'string', description: 'the bundle' },
    { name: 'format', kind: 'string', default: 'table', description: 'the format' },
    { name: 'env', short: 'e', kind: 'list', description: 'the environment' },
    { name: 'preserve-fds', kind: 'int', min: 0, description: 'descriptors' },
    { name: 'no-pivot', kind: 'boolean', description: 'no pivot' },
  ],
  arguments: ['<container-id>', '[command...]'],
  stopAtPositional: true,
  run: async () => Promise.resolve(0),
})

const parse = (...args: string[]) => parseArguments('tsrun sample', sample, args)

t.test('values have the types of their kinds, and defaults', async (t) => {
  t.same(parse('id'), { options: { format: 'table', env: [], noPivot: false }, args: ['id', []] })
  t.same(
    parse('-b=x', '-e', 'A=1', '-e', 'B=2', '-preserve-fds', '3', '-no-pivot', '--format=json', 'id', 'ls', '-l'),
    {
      options: { bundle: 'x', format: 'json', env: ['A=1', 'B=2'], preserveFds: 3, noPivot: true },
      args: ['id', ['ls', '-l']],
    },
  )
})

t.test('a misuse carries the help', async (t) => {
  const misuse = (message: string, ...args: string[]) => {
    const error = t.throws(() => parse(...args), MisuseError) as unknown as MisuseError
    t.equal(error.message, message)
    t.match(error.help, /^Usage: tsrun sample \[options\] <container-id> \[command\.\.\.\]/)
  }
  misuse('flag provided but not defined: -x', '-x')
  misuse('invalid value "x" for flag -preserve-fds: parse error', '--preserve-fds=x', 'id')
  misuse('invalid value "-1" for flag -preserve-fds: value out of range', '--preserve-fds=-1', 'id')
  misuse('"sample" requires a minimum of 1 argument(s)')
})

t.test('the number of positionals is exact where it can be', async (t) => {
  const count =
    (...args: string[]) =>
    () =>
      parseArguments('tsrun create', create, args)
  t.throws(count(), { message: '"create" requires exactly 1 argument(s)', headline: 'Incorrect Usage.' })
  t.throws(count('a', 'b'), { message: '"create" requires exactly 1 argument(s)' })
  t.throws(count('a', '--', '--bundle'), { message: '"create" requires exactly 1 argument(s)' })
})

t.test('an id may look like anything', async (t) => {
  t.match(parse('--', '--version'), { args: ['--version', []] })
  t.match(parse('--', '-1'), { args: ['-1', []] })
})

t.test('help shows every option once, in plain text', async (t) => {
  const help = parse('--help').help ?? ''
  for (const option of sample.options) t.equal(help.split(`--${option.name}`).length, 2, option.name)
  t.notMatch(help, /\u001b/)
})

t.test('a flag sets the member that its row names, to what its row reads', (t) => {
  const options = [
    {
      name: 'memory',
      kind: 'string',
      member: 'memory.limit',
      read: (text: string) => Number(text) * 2,
      description: '',
    },
    { name: 'gid', kind: 'list', member: 'groups', read: (text: string) => Number(text), description: '' },
    { name: 'off', kind: 'boolean', optional: true, description: '' },
    { name: 'label', kind: 'string', read: unlessEmpty, description: '' },
  ] as const
  const values = (...args: string[]): unknown => {
    const parsed = parseArguments('x', { name: 'x', description: '', options, arguments: [] }, args)
    return parsed.help === undefined ? parsed.options : undefined
  }
  t.strictSame(values('--memory', '4', '--gid', '1', '--gid', '2'), { 'memory.limit': 8, groups: [1, 2] })
  t.match(values('--off', '--label', ''), { off: true, label: undefined })
  t.notOk('off' in (values('--off=false') as object))
  t.end()
})

t.test('the flags of exec set members that exec takes, and nothing else', (t) => {
  const known = new Set(Object.keys((execShape({ args: ['x'] }) as ObjectNode).members))
  const own = ['process', 'interactive', 'detach', 'noSubreaper', 'trace']
  const unknown = exec.options.map(memberOf).filter((member) => !known.has(member) && !own.includes(member))
  t.strictSame(unknown, [])
  t.end()
})
