/** The import fence: a forbidden import is planted behind each wall, in every way that there is to name a module. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ESLint } from 'eslint'
import t from 'tap'
import tseslint from 'typescript-eslint'

interface Room {
  readonly may: readonly string[]
  readonly types?: readonly string[]
  readonly packages?: Readonly<Record<string, string>>
}

const root = fileURLToPath(new URL('..', import.meta.resolve('#dist/index.js')))
const { fence, rooms } = (await import(join(root, 'scripts/import-fence.mjs'))) as {
  fence: ESLint.ConfigData[]
  rooms: Readonly<Record<string, Room>>
}
const eslint = new ESLint({
  cwd: root,
  overrideConfigFile: true,
  overrideConfig: [{ files: ['**/*.ts'], languageOptions: { parser: tseslint.parser } }, ...fence] as never,
})

/** What ESLint says of a text at a path of src/. */
async function complaints(path: string, text: string): Promise<string[]> {
  const [result] = await eslint.lintText(text, { filePath: join(root, 'src', path) })
  return (result?.messages ?? []).map(({ message }) => message)
}

/** A file of each room that exists nowhere, and how another room's file names it. */
const fileOf = (room: string): string =>
  ({ errors: 'errors.ts', index: 'index.ts', core: 'core.ts', runtime: 'planted.ts' })[room] ?? `${room}/planted.ts`
const specifier = (from: string, to: string): string =>
  `${fileOf(from).includes('/') ? '..' : '.'}/${fileOf(to).replace('.ts', '.js')}`

const statements: Readonly<Record<string, (from: string) => string>> = {
  static: (from) => `import { x } from '${from}'`,
  'for its effects': (from) => `import '${from}'`,
  're-exported': (from) => `export * from '${from}'`,
  dynamic: (from) => `const x = await import('${from}')`,
  'dynamic, in backquotes': (from) => `const x = await import(\`${from}\`)`,
  'of a type': (from) => `import type { X } from '${from}'`,
  'of types one by one': (from) => `import { type X, type Y } from '${from}'`,
  'in a type': (from) => `type X = import('${from}').X`,
}
const forTypes = ['of a type', 'of types one by one', 'in a type']

t.test(
  'between any two rooms an import passes where the table allows it, and is refused everywhere else',
  async (t) => {
    const wrong: string[] = []
    for (const [from, room] of Object.entries(rooms)) {
      for (const to of Object.keys(rooms).filter((one) => one !== from)) {
        for (const [way, statement] of Object.entries(statements)) {
          const allowed = room.may.includes(to) || (forTypes.includes(way) && room.types?.includes(to) === true)
          const found = await complaints(fileOf(from), statement(specifier(from, to)))
          const refused = found.length === 1 && found[0]?.startsWith(`${from} may not import ${to}: `) === true
          const computed = way.includes('backquotes')
          if (computed ? found.length !== 1 : allowed ? found.length !== 0 : !refused)
            wrong.push(`${from} -> ${to}, ${way}: ${found.join()}`)
        }
      }
    }
    t.same(wrong, [])
  },
)

t.test('the walls that must stand, whatever the table says', async (t) => {
  for (const [from, to] of [
    ['config', 'plan'],
    ['config', 'native'],
    ['config', 'host'],
    ['plan', 'native'],
    ['plan', 'host'],
    ['native', 'host'],
    ['native', 'launch'],
    ['host', 'cgroup'],
    ['host', 'launch'],
    ['state', 'launch'],
    ['cgroup', 'state'],
    ['stats', 'launch'],
    ['cgroup', 'launch'],
    ['launch', 'runtime'],
    ['launch', 'library'],
    ['launch', 'cli'],
    ['runtime', 'library'],
    ['runtime', 'cli'],
    ['library', 'cli'],
    ['cli', 'library'],
    ['cli', 'index'],
    ['index', 'cli'],
  ] as const) {
    for (const [way, statement] of Object.entries(statements)) {
      const found = await complaints(fileOf(from), statement(specifier(from, to)))
      t.equal(found.length, 1, `${from} -> ${to}, ${way}`)
      if (way === 'static') t.comment(found[0])
    }
  }
})

t.test('a room comes after all that it may import, so there is no way round in a circle', async (t) => {
  const names = Object.keys(rooms)
  for (const [name, { may, types = [] }] of Object.entries(rooms)) {
    for (const other of [...may, ...types])
      t.ok(names.indexOf(other) >= 0 && names.indexOf(other) < names.indexOf(name), `${name} -> ${other}`)
  }
})

t.test('modules of Node and packages are imported only by the rooms that they are for', async (t) => {
  for (const [name, { packages = {} }] of Object.entries(rooms)) {
    for (const module of ['node:fs', 'node:child_process', 'fs', 'bun', 'bun:ffi', 'zod', 'zod/mini', 'commander']) {
      for (const way of ['static', 'dynamic', 'of a type']) {
        const found = await complaints(fileOf(name), statements[way]!(module))
        if (Object.hasOwn(packages, module)) t.same(found, [], `${name}: ${module}`)
        else t.match(found, [new RegExp(`^${name} may not import ${module}: `)], `${name}: ${module}, ${way}`)
      }
    }
  }
})

t.test('the addon is loaded through its door alone, and no module by a name that is computed', async (t) => {
  t.match(await complaints('host/planted.ts', "import { addon } from '../native/addon.js'"), [/only src\/native loads/])
  t.same(await complaints('native/planted.ts', "import { addon } from './addon.js'"), [])
  t.match(await complaints('launch/planted.ts', 'const x = await import(name)'), [/must be a plain string/])
  t.match(await complaints('launch/planted.ts', "import fs = require('node:fs')"), [/launch may not import node:fs/])
})

t.test('a folder without a row in the table may import nothing', async (t) => {
  t.match(await complaints('attic/planted.ts', "import { x } from '../errors.js'"), [/is in no room/])
})

t.test('calls that have cost time or safety are refused with the reason', async (t) => {
  for (const [text, reason] of [
    ["process.stdout.write('x')", /the executable has none/i],
    ['process.kill(1)', /pidfd/],
    ['process.umask()', /sets it/],
    ["eval('x')", /loads code/],
    ["new Function('x')", /loads code/],
    ["require('x')", /native code/],
    ['setInterval(f, 10)', /polling/],
  ] as const)
    t.match(await complaints('launch/planted.ts', text), [reason], text)
})

t.test('the fence is up for every file of src', async (t) => {
  const own = new ESLint({ cwd: root })
  for (const name of Object.keys(rooms)) {
    const config = (await own.calculateConfigForFile(join(root, 'src', fileOf(name)))) as { rules: object }
    t.match(config.rules, { 'fence/imports': [2] }, name)
  }
})

t.test('no object of tsrun-init may ask for heap, stdio, locale, users or code', async (t) => {
  const { objectionTo } = (await import(join(root, 'scripts/check.mjs'))) as {
    objectionTo: (line: string) => string | undefined
  }
  for (const [symbol, kind] of [
    ['malloc', 'heap or exceptions'],
    ['operator new(unsigned long)', 'heap or exceptions'],
    ['__cxa_throw', 'heap or exceptions'],
    ['snprintf', 'stdio'],
    ['printf', 'stdio'],
    ['__fprintf_chk', 'stdio'],
    ['fopen', 'stdio'],
    ['stderr', 'stdio'],
    ['setlocale', 'locale'],
    ['strtod', 'locale'],
    ['getpwnam', 'users and hosts'],
    ['dlopen@GLIBC_2.34', 'loading code'],
    ['execvp', 'loading code'],
    ['open', undefined],
    ['execve', undefined],
    ['strlen', undefined],
    ['tsrun::send_frame(tsrun::Context const&)', undefined],
  ] as const)
    t.equal(objectionTo(`main.cc.o:                 U ${symbol}`), kind, symbol)
})
