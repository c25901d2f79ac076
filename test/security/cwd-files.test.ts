/** Files that JavaScript runtimes read from the current directory are the attacker's when that is a bundle: none is read. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attackTest } from '../helpers/attack.js'
import type { Scope } from '../helpers/scope.js'
import { projectRoot } from '../helpers/tools.js'

const runtimes: Readonly<Record<string, readonly [string, ...string[]]>> = {
  'dist/tsrun': [join(projectRoot, 'dist/tsrun')],
  'node dist/cli/main.js': [process.execPath, join(projectRoot, 'dist/cli/main.js')],
}

/** Everything that Bun or Node.js has ever taken from the current directory; each would make `ran`. */
function plant(directory: string, ran: string): void {
  const code = `require('fs').writeFileSync(${JSON.stringify(ran)}, 'code')`
  const module = `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(ran)}, 'code')`
  const files: Readonly<Record<string, string>> = {
    'evil.js': code,
    'evil.mjs': module,
    'bunfig.toml': 'preload = ["./evil.js"]\n[run]\npreload = ["./evil.js"]\n[test]\npreload = ["./evil.js"]\n',
    '.bunfig.toml': 'preload = ["./evil.js"]\n',
    '.env': `TSRUN_ROOT=/nowhere\nXDG_RUNTIME_DIR=/nowhere\nNODE_OPTIONS=--require ./evil.js\nBUN_OPTIONS="--preload ./evil.js"\nLD_PRELOAD=./evil.so\nBUN_INSPECT_PRELOAD=./evil.js\n`,
    '.env.local': 'NODE_OPTIONS=--require ./evil.js\n',
    '.env.production': 'NODE_OPTIONS=--require ./evil.js\n',
    '.npmrc': 'node-options=--require ./evil.js\n',
    '.noderc': '--require ./evil.js\n',
    'node.config.json': JSON.stringify({ nodeOptions: { import: ['./evil.mjs'], require: ['./evil.js'] } }),
    'package.json': JSON.stringify({
      type: 'commonjs',
      main: './evil.js',
      imports: { '#dist/*': './evil.js' },
      exports: './evil.js',
      preload: ['./evil.js'],
    }),
    'tsconfig.json': JSON.stringify({ compilerOptions: { paths: { '*': ['./evil.js'] }, baseUrl: '.' } }),
    'jsconfig.json': JSON.stringify({ compilerOptions: { paths: { '*': ['./evil.js'] } } }),
    'tsrun.node': 'not a library',
    'index.js': code,
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
  for (const name of ['commander', 'zod', 'bun', 'fs', 'node-addon-api', 'tsrun']) {
    mkdirSync(join(directory, 'node_modules', name), { recursive: true })
    writeFileSync(join(directory, 'node_modules', name, 'index.js'), code)
    writeFileSync(join(directory, 'node_modules', name, 'package.json'), JSON.stringify({ name, main: 'index.js' }))
  }
  mkdirSync(join(directory, 'build/Release'), { recursive: true })
  writeFileSync(join(directory, 'build/Release/tsrun.node'), 'not a library')
}

function lifeCycle(scope: Scope, [program, ...before]: readonly [string, ...string[]]): string[] {
  const { bundle, id } = scope.container((config) => {
    config.process.args = ['/bin/true']
  })
  const ran = scope.path('ran')
  plant(bundle.path, ran)
  plant(bundle.rootfs, ran)
  const elsewhere = scope.path('elsewhere')
  mkdirSync(elsewhere)
  plant(elsewhere, ran)
  const log: string[] = []
  for (const cwd of [bundle.path, bundle.rootfs, elsewhere]) {
    for (const args of [
      ['--version'],
      ['features'],
      ['plan', '--bundle', bundle.path],
      ['create', '--bundle', bundle.path, id],
      ['state', id],
      ['start', id],
      ['list'],
      ['kill', '--all', id, 'KILL'],
      ['delete', '--force', id],
    ]) {
      const { status, stderr } = scope.runner.runProgram(program, [...before, '--root', scope.root, ...args], { cwd })
      if (status !== 0 || stderr !== '') log.push(`${args[0]} in ${cwd}: ${status} ${stderr}`)
    }
  }
  if (existsSync(ran)) log.push(`${readFileSync(ran, 'utf8')} of the current directory has run`)
  return log
}

for (const [name, command] of Object.entries(runtimes)) {
  attackTest(`${name} takes nothing from the current directory or the bundle but config.json`, (t, scope) => {
    if (existsSync(command.at(-1) ?? '')) t.same(lifeCycle(scope, command), [])
    else t.comment(`${name} is not built here`)
  })
}
