/** Flags in all spellings that callers of runc use. */
import t from 'tap'
import { type GivenOption, normaliseArguments, type OptionSpec } from '#dist/cli/argv.js'

const table: OptionSpec[] = [
  { name: 'bundle', short: 'b', kind: 'string', description: '' },
  { name: 'preserve-fds', kind: 'int', description: '' },
  { name: 'env', short: 'e', kind: 'list', description: '' },
  { name: 'no-subreaper', kind: 'boolean', description: '' },
  { name: 'keep', short: 'k', kind: 'boolean', description: '' },
]

const asFlag = ([{ name }, value]: GivenOption): string => (value === undefined ? `--${name}` : `--${name}=${value}`)

function normalise(...args: string[]) {
  const { given, positionals, help } = normaliseArguments(args, table, { stopAtPositional: false })
  return { flags: given.map(asFlag), positionals, help }
}

function normaliseExec(...args: string[]) {
  const { given, positionals } = normaliseArguments(args, table, { stopAtPositional: true })
  return { flags: given.map(asFlag), positionals }
}

t.test('a value follows an equals sign or is the next argument, after one dash or two', async (t) => {
  for (const args of [
    ['--bundle=/b'],
    ['--bundle', '/b'],
    ['-bundle=/b'],
    ['-bundle', '/b'],
    ['-b=/b'],
    ['-b', '/b'],
  ]) {
    t.same(normalise(...args, 'id'), { flags: ['--bundle=/b'], positionals: ['id'], help: false }, args.join(' '))
  }
})

t.test('a value may be empty, look like a flag, or contain an equals sign', async (t) => {
  t.same(normalise('--bundle=').flags, ['--bundle='])
  t.same(normalise('--bundle', '').flags, ['--bundle='])
  t.same(normalise('--bundle', '--keep').flags, ['--bundle=--keep'])
  t.same(normalise('--bundle', '--').flags, ['--bundle=--'])
  t.same(normalise('-e', 'A=b=c').flags, ['--env=A=b=c'])
})

t.test('booleans take no value but by an equals sign', async (t) => {
  t.same(normalise('-no-subreaper', '--keep', 'id').flags, ['--no-subreaper', '--keep'])
  t.same(normalise('--keep', 'false'), { flags: ['--keep'], positionals: ['false'], help: false })
  for (const yes of ['true', 'TRUE', 'True', 't', 'T', '1']) t.same(normalise(`--keep=${yes}`).flags, ['--keep'], yes)
  for (const no of ['false', 'FALSE', 'False', 'f', 'F', '0']) t.same(normalise(`-keep=${no}`).flags, [], no)
  t.same(normalise('--keep', '--keep=false').flags, [], 'the last one wins')
  t.throws(() => normalise('--keep=yes'), {
    message: 'invalid boolean value "yes" for -keep: parse error',
    code: 'ERR_TSRUN_USAGE',
  })
  t.throws(() => normalise('--keep=toString'), { message: /^invalid boolean value "toString"/ })
})

t.test('lists keep every value, and commas in them', async (t) => {
  t.same(normalise('-e', 'A=1,2', '--env=B=3').flags, ['--env=A=1,2', '--env=B=3'])
})

t.test('flags may follow positionals, -- ends them', async (t) => {
  t.same(normalise('id', '--keep').flags, ['--keep'])
  t.same(normalise('id', '--', '--keep'), { flags: [], positionals: ['id', '--keep'], help: false })
  t.same(normalise('-').positionals, ['-'])
})

t.test('with a program or signal after the id the first positional ends the flags', async (t) => {
  t.same(normaliseExec('--keep', 'id', 'ls', '-l', '--', '--help'), {
    flags: ['--keep'],
    positionals: ['id', 'ls', '-l', '--', '--help'],
  })
  t.same(normaliseExec('id', '-9').positionals, ['id', '-9'])
  t.same(normaliseExec('--', 'id', '-9').positionals, ['id', '-9'])
})

t.test('it names the options that it has met, with their values', async (t) => {
  const { given } = normaliseArguments(['-e=1', '-e=2', '--keep', '--no-subreaper=false', 'id'], table, {
    stopAtPositional: false,
  })
  t.same(given, [
    [table[2], '1'],
    [table[2], '2'],
    [table[4], undefined],
  ])
})

t.test('help has the spellings of runc and crun, and needs nothing else', async (t) => {
  t.equal(normalise('--help').help, true)
  t.equal(normalise('-h').help, true)
  for (const spelling of ['-?', '--usage']) t.equal(normalise(spelling).help, true, `${spelling} of crun`)
  t.equal(normalise('--help=false').help, false)
  t.same(normalise('-h').flags, [])
})

t.test("errors are in Go's words", async (t) => {
  t.throws(() => normalise('--nope=1'), { message: 'flag provided but not defined: -nope', code: 'ERR_TSRUN_USAGE' })
  t.throws(() => normalise('-nope'), { message: 'flag provided but not defined: -nope' })
  t.throws(() => normalise('-kb', 'x'), { message: 'flag provided but not defined: -kb' }, 'no bundled letters')
  t.throws(() => normalise('--bundle'), { message: 'flag needs an argument: -bundle' })
  t.throws(() => normalise('-b'), { message: 'flag needs an argument: -b' })
  t.throws(() => normalise('---keep'), { message: 'bad flag syntax: ---keep' })
  t.throws(() => normalise('--=x'), { message: 'bad flag syntax: --=x' })
})
