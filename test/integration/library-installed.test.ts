/** The npm package as npm installs it in an empty folder: its size, what is in it, its types, and that it runs containers. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { engines, packageProgram } from '../helpers/nodes.js'
import { requires } from '../helpers/requires.js'
import { test } from '../helpers/test.js'
import { projectRoot } from '../helpers/tools.js'

const needs = ['tsrun'] as const
/** Bytes on disk of all that npm installs, without development's packages. */
const largest = 20e6

const folder = mkdtempSync(join(tmpdir(), 'tsrun-installed-'))
// Also when the installation fails, before there is any test.
process.on('exit', () => {
  rmSync(folder, { recursive: true, force: true })
})
const app = join(folder, 'app')
const tarball = (): string => join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? 'none')

const unmet = requires('root', ...needs)
const missing = unmet === false ? installTarball() : unmet

/** Packs the package and installs it; why that is not possible. */
function installTarball(): string | false {
  const reached = spawnSync('npm', ['view', 'node-addon-api', 'name'], { cwd: folder, timeout: 60_000 }).status === 0
  if (!reached) return 'needs a registry of npm packages'
  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: projectRoot, stdio: 'pipe' })
  mkdirSync(app)
  writeFileSync(join(app, 'package.json'), '{ "private": true }')
  const flags = ['--omit=dev', '--no-audit', '--no-fund', '--loglevel=error']
  execFileSync('npm', ['install', ...flags, tarball()], { cwd: app, stdio: 'pipe' })
  return false
}

const program = (load: string): string => `
const main = async ({ run, Runtime, isTsrunError }) => {
  const [root, id] = process.argv.slice(2)
  const runtime = new Runtime({ root })
  const { stdout, exit } = await run({ rootfs: 'host', args: ['sh', '-c', 'echo hello from $(id -un); exit 3'], runtime, id })
  console.log(stdout.trim(), exit.code, exit.timedOut, exit.oom)
  console.log(await runtime.create(id, { bundel: '/' }).catch((error) => [isTsrunError(error), error.name, error.code].join()))
}
${load}
`
const ways = {
  'main.mjs': program(`import * as tsrun from 'tsrun'\nawait main(tsrun)`),
  'main.cjs': program(`main(require('tsrun'))`),
}

for (const [file, text] of Object.entries(ways)) {
  for (const engine of engines()) {
    test(
      `a program in an empty folder runs a container: ${file}, ${engine.name}`,
      (t, scope) => {
        const reason = missing === false ? engine.missing : missing
        if (reason !== false) {
          t.pass(engine.name, { skip: reason })
          return
        }
        const path = join(app, file)
        writeFileSync(path, text)
        const { status, stdout, stderr } = scope.runner.runProgram(engine.path, [path, scope.root, scope.newId()])
        // What Node.js says of require(esm) in the versions in which that is new.
        const said = stderr.split('\n').filter((line) => !/^$|ExperimentalWarning|--trace-warnings/.test(line))
        t.same(
          { status, said, stdout },
          { status: 0, said: [], stdout: 'hello from nobody 3 false false\ntrue,UsageError,ERR_TSRUN_USAGE\n' },
        )
      },
      { needs },
    )
  }
}

t.test('what npm installs is small, and nothing that attacks, tests or measures is in it', { skip: missing }, (t) => {
  const [bytes] = execFileSync('du', ['-s', '--block-size=1', join(app, 'node_modules')], { encoding: 'utf8' }).split(
    '\t',
  )
  t.ok(Number(bytes) < largest, `${bytes} bytes`)
  const own = readdirSync(join(app, 'node_modules/tsrun'), { recursive: true }).map(String)
  t.same(
    own.filter((name) => /(^|\/)(test|tests|bench|examples|fuzz|attack[^/]*)(\/|$)|\.map$|tsbuildinfo$/.test(name)),
    [],
  )
  const programs = own.filter((name) => /^prebuilds\/[^/]+\/[^.]+$/.test(name)).map((name) => name.split('/')[2])
  t.same(programs.sort(), ['hello', 'tsrun'])
  t.end()
})

t.test('its command runs', { skip: missing }, (t) => {
  t.match(execFileSync(join(app, 'node_modules/.bin/tsrun'), ['--version'], { encoding: 'utf8' }), /^tsrun version /)
  t.end()
})

t.test('its types resolve for every way to import it', { skip: missing }, (t) => {
  const attw = packageProgram('attw', '@arethetypeswrong/cli@0.18', '@arethetypeswrong/cli/dist/index.js')
  if (attw.missing !== false) {
    t.pass('attw', { skip: attw.missing })
    t.end()
    return
  }
  const { stdout } = spawnSync(process.execPath, [attw.path, tarball(), '--format', 'json'], { encoding: 'utf8' })
  const { analysis } = JSON.parse(stdout) as {
    analysis: { types: { kind: string }; problems: { kind: string; resolutionKind?: string }[] }
  }
  t.equal(analysis.types.kind, 'included')
  // An ES module to CommonJS too, as it says: by import(), and by require() where the engine has it for them.
  t.same(
    analysis.problems.map(({ kind, resolutionKind }) => `${kind} ${resolutionKind}`),
    ['CJSResolvesToESM node16-cjs'],
  )
  t.end()
})
