/** The command line as `npx tsrun` runs it on Node.js, as far as that needs no root: outputs, messages, exit statuses, the log. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'

const main = fileURLToPath(import.meta.resolve('#dist/cli/main.js'))

/** Runs tsrun in a folder; nothing of the environment but PATH. */
function tsrun(cwd: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const env = { PATH: process.env.PATH ?? '' }
  return spawnSync(process.execPath, [main, ...args], { cwd, env, encoding: 'utf8' })
}

/** As the shell prints it: Node's way to ask sets it too. */
const umask = parseInt(spawnSync('sh', ['-c', 'umask'], { encoding: 'utf8' }).stdout, 8)

/** An empty folder, removed after the test. */
const folder = (t: Test): string => t.testdir({})

/** The command fails with this line on stderr and nothing on stdout. */
function fails(t: Test, args: string[], line: string, cwd = folder(t)): void {
  t.same(pick(tsrun(cwd, ...args)), { status: 1, stdout: '', stderr: `${line}\n` }, args.join(' '))
}

const pick = ({ status, stdout, stderr }: ReturnType<typeof tsrun>) => ({ status, stdout, stderr })

t.test('help is on stdout and no error, however it is asked for', async (t) => {
  const cwd = folder(t)
  const help = tsrun(cwd, 'help')
  t.match(help.stdout, /^Usage: tsrun \[global options\] COMMAND/)
  for (const args of [[], ['--help'], ['-h'], ['--root', '/x', '-help']]) t.same(pick(tsrun(cwd, ...args)), pick(help))
  const ofKill = tsrun(cwd, 'kill', '--help')
  t.same([ofKill.status, ofKill.stderr], [0, ''])
  t.match(ofKill.stdout, /^Usage: tsrun kill \[options\] <container-id> \[signal\]/)
  t.same(pick(tsrun(cwd, 'help', 'kill')), pick(ofKill))
})

t.test('--version has the lines that Docker looks for', async (t) => {
  const { status, stdout, stderr } = tsrun(folder(t), '--version')
  t.same([status, stderr], [0, ''])
  t.match(
    stdout,
    /^tsrun version \d+\.\d+\.\d+\n(commit: [0-9a-f]+\n)?spec: 1\.3\.0\nnode: .+\nlibseccomp: 2\.\d+\.\d+\n$/,
  )
  t.equal(tsrun(folder(t), '-v').stdout, stdout)
})

/** What is said besides to who has mistyped, by the command line. */
const hints = new Map([
  ['state --root=/x x', '--root stands before the command: tsrun --root … state'],
  ['run --bundel /b x', 'did you mean --bundle?'],
  ['--debgu list', 'did you mean --debug?'],
  ['create -it x', 'config.json decides: "terminal": true in its "process" gives a terminal'],
  ['ps -ef x', 'options of ps(1) follow the container id: tsrun ps ID -ef'],
  ['exec --workdir / x sh', 'the working directory is --cwd'],
])

t.test('a misuse prints the help on stdout, one line on stderr, and exits with 1', async (t) => {
  const misuse = (headline: string, line: string, ...args: string[]) => {
    const { status, stdout, stderr } = tsrun(folder(t), ...args)
    const hint = hints.get(args.join(' '))
    t.same([status, stderr], [1, `tsrun: ${line}\n${hint === undefined ? '' : `hint: ${hint}\n`}`], args.join(' '))
    t.ok(stdout.startsWith(`${headline}\n\nUsage: tsrun `), args.join(' '))
  }
  misuse('Incorrect Usage.', '"create" requires exactly 1 argument(s)', 'create')
  misuse('Incorrect Usage.', '"list" requires exactly 0 argument(s)', 'list', 'x')
  misuse('Incorrect Usage.', '"kill" requires a maximum of 2 argument(s)', 'kill', 'a', '9', '9')
  misuse('Incorrect Usage.', '"plan" requires a maximum of 1 argument(s)', 'plan', 'a', 'b')
  const flag = (line: string, ...args: string[]) => misuse(`Incorrect Usage: ${line}`, line, ...args)
  flag('flag provided but not defined: -nope', '--nope', 'state', 'x')
  flag('flag provided but not defined: -root', 'state', '--root=/x', 'x')
  flag('flag provided but not defined: -bundel', 'run', '--bundel', '/b', 'x')
  flag('flag provided but not defined: -debgu', '--debgu', 'list')
  flag('flag provided but not defined: -it', 'create', '-it', 'x')
  flag('flag provided but not defined: -ef', 'ps', '-ef', 'x')
  flag('flag needs an argument: -log', '--log')
  flag('flag needs an argument: -bundle', 'run', '--bundle')
})

t.test('what goes with an image alone is refused without one, for a terminal with what to do', async (t) => {
  const why = 'goes with --image: a bundle has its config.json'
  fails(t, ['run', '--memory', '64m', 'x'], `tsrun: --memory ${why}`)
  const hint = 'hint: config.json decides: "terminal": true in its "process" gives a terminal'
  fails(t, ['run', '-it', 'x'], `tsrun: --interactive ${why}\n${hint}`)
})

t.test('a misuse of exec has the status of runc, not that of a process that could not be added', async (t) => {
  const root = folder(t)
  t.equal(tsrun(root, 'exec').status, 1)
  t.equal(tsrun(root, 'exec', '--workdir', '/', 'x', 'sh').status, 1)
  t.equal(tsrun(root, '--root', root, 'exec', 'x', 'sh').status, 255)
})

t.test('who mistypes a command or calls it as elsewhere is told its name here', async (t) => {
  const line = (name: string, hint: string) =>
    fails(t, [name, 'x'], `tsrun: unknown command "${name}": see tsrun help\nhint: did you mean tsrun ${hint}?`)
  line('strat', 'start')
  line('ls', 'list')
  line('rm', 'delete')
  line('attach', 'exec -it ID sh')
})

t.test('version prints what --version prints', async (t) => {
  t.same(pick(tsrun(folder(t), 'version')), pick(tsrun(folder(t), '--version')))
})

t.test('bad values are one line on stderr', async (t) => {
  fails(t, ['nope'], 'tsrun: unknown command "nope": see tsrun help')
  fails(t, ['toString'], 'tsrun: unknown command "toString": see tsrun help')
  fails(t, ['help', 'nope'], 'tsrun: unknown command "nope": see tsrun help')
  fails(t, ['--log-format', 'xml', 'state', 'x'], 'tsrun: invalid log-format: xml')
  fails(t, ['--rootless=maybe', 'state', 'x'], 'tsrun: invalid rootless: maybe')
  fails(t, ['--cgroup-manager=x', 'state', 'x'], 'tsrun: invalid cgroup-manager: x')
  fails(t, ['kill', 'x', 'NOPE'], 'tsrun: unknown signal "NOPE"')
  fails(t, ['list', '--format', 'xml'], 'tsrun: invalid format option: xml')
  fails(t, ['plan', '--format', 'xml'], 'tsrun: invalid format option: xml')
  for (const root of ['/', '//', '/x/..', './../../../../../../../../../..']) {
    fails(t, ['--root', root, 'list'], 'tsrun: Option --root argument should not be set to /', '/tmp')
  }
})

t.test('a container that does not exist is reported in the words callers look for', async (t) => {
  const root = folder(t)
  for (const args of [
    ['state', 'x'],
    ['start', 'x'],
    ['kill', 'x', '9'],
    ['delete', 'x'],
  ]) {
    fails(t, ['--root', root, ...args], 'tsrun: container "x" does not exist')
  }
  t.same(pick(tsrun(root, '--root', root, 'delete', '--force', 'x')), { status: 0, stdout: '', stderr: '' })
})

t.test('list of an empty root, and of none', async (t) => {
  const root = folder(t)
  t.equal(
    tsrun(root, '--root', root, 'list').stdout,
    'ID          PID         STATUS      BUNDLE      CREATED     OWNER\n',
  )
  t.equal(tsrun(root, '--root', '.', 'list', '-f', 'json').stdout, 'null\n')
  t.same(pick(tsrun(root, '--root', root, 'list', '-q')), { status: 0, stdout: '', stderr: '' })
  fails(t, ['--root', `${root}/none`, 'list'], `tsrun: open "${root}/none": no such file or directory`)
})

t.test('the log has exactly one record per failure and none per success', async (t) => {
  const cwd = folder(t)
  const log = `${cwd}/log.json`
  const globals = ['--root', cwd, '--log', log, '--log-format', 'json']
  t.equal(tsrun(cwd, ...globals, 'list').status, 0)
  t.equal(readFileSync(log, 'utf8'), '')
  t.equal(statSync(log).mode & 0o777, 0o644 & ~umask)
  t.equal(tsrun(cwd, ...globals, 'state', 'x').stderr, 'tsrun: container "x" does not exist\n')
  const { level, msg, time, ...rest } = JSON.parse(readFileSync(log, 'utf8')) as Record<string, string>
  t.same([level, msg, rest], ['error', 'container "x" does not exist', { code: 'ERR_TSRUN_NOT_FOUND' }])
  t.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  tsrun(cwd, ...globals, 'create')
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n')
  t.equal(lines.length, 2, 'it is appended to')
  t.equal((JSON.parse(lines[1] ?? '') as { msg: string }).msg, '"create" requires exactly 1 argument(s)')
})

t.test('the log is text by default, and an error where it cannot be written', async (t) => {
  const cwd = folder(t)
  tsrun(cwd, '--log', 'log', '--root', cwd, 'state', 'x')
  t.match(
    readFileSync(`${cwd}/log`, 'utf8'),
    /^time="[^"]+" level=error msg="container \\"x\\" does not exist" code=.*\n$/,
  )
  fails(
    t,
    ['--log', '/proc/none/log', 'list'],
    'tsrun: cannot write the log: open "/proc/none/log": no such file or directory',
  )
})

t.test('--debug adds records and the stack trace', async (t) => {
  const cwd = folder(t)
  const { stderr } = tsrun(cwd, '--debug', '--log', 'log', '--root', cwd, 'state', 'x')
  t.match(stderr, /^tsrun: container "x" does not exist\nNotFoundError: .*\n +at /)
  const log = readFileSync(`${cwd}/log`, 'utf8')
  t.match(log, /^time="[^"]+" level=debug msg="command line" args=\["--debug",/)
  t.equal(log.match(/level=error/g)?.length, 1)
  t.match(tsrun(cwd, '--debug', '--root', cwd, 'list').stderr, /level=debug msg="done" status=0 milliseconds=/)
})

const fileOf = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.resolve('#dist/index.js'))), 'utf8')

/** Architectures that libseccomp 2.6 brought: with 2.5 nothing of them is offered. */
const sinceSeccomp26 = ['SCMP_ARCH_LOONGARCH64', 'SCMP_ARCH_M68K', 'SCMP_ARCH_SH', 'SCMP_ARCH_SHEB']

/** The stored document, with the versions and the architectures of this build. */
function expectedFeatures(): unknown {
  const document = JSON.parse(fileOf('test/data/features.json')) as {
    linux: { seccomp: { archs: string[] } }
    annotations: Record<string, string>
  }
  const [, libseccomp = '', minor] = /libseccomp: (2\.(\d+)\.\d+)/.exec(tsrun('/', '--version').stdout) ?? []
  const { seccomp } = document.linux
  if (Number(minor) < 6) seccomp.archs = seccomp.archs.filter((name) => !sinceSeccomp26.includes(name))
  const { version } = JSON.parse(fileOf('package.json')) as { version: string }
  const hasCriu = spawnSync('criu', ['--version']).error === undefined
  document.annotations = {
    'io.github.seccomp.libseccomp.version': libseccomp,
    'org.opencontainers.runc.checkpoint.enabled': String(hasCriu),
    'org.tsrun.version': version,
  }
  return document
}

t.test('features prints the document, indented by four spaces', async (t) => {
  const { status, stdout, stderr } = tsrun(folder(t), 'features')
  t.same([status, stderr], [0, ''])
  t.same(JSON.parse(stdout), expectedFeatures())
  t.match(stdout, /^\{\n {4}"ociVersionMin": "1\.0\.0",\n/)
})

t.test('spec writes a config.json, indented by tabs, that plan accepts', async (t) => {
  const bundle = folder(t)
  t.same(pick(tsrun(bundle, 'spec')), { status: 0, stdout: '', stderr: '' })
  const text = readFileSync(`${bundle}/config.json`, 'utf8')
  t.match(text, /^\{\n\t"ociVersion": "1\.3\.0",\n/)
  t.equal(statSync(`${bundle}/config.json`).mode & 0o777, 0o666 & ~umask)
  fails(t, ['spec'], 'tsrun: File config.json exists. Remove it first', bundle)
  t.equal(readFileSync(`${bundle}/config.json`, 'utf8'), text)
  mkdirSync(`${bundle}/rootfs`)
  const table = tsrun('/', 'plan', '--bundle', bundle)
  t.same([table.status, table.stderr], [0, ''])
  t.match(table.stdout, /mount/)
  const plan = tsrun(bundle, 'plan', '-f', 'json', 'some-id')
  t.same([plan.status, plan.stderr], [0, ''])
  t.equal((JSON.parse(plan.stdout) as { version: number }).version, 1)
})

t.test('spec --rootless asks for a user namespace', async (t) => {
  const bundle = folder(t)
  t.equal(tsrun('/', 'spec', '--rootless', '-b', bundle).status, 0)
  const { linux } = JSON.parse(readFileSync(`${bundle}/config.json`, 'utf8')) as {
    linux: { namespaces: { type: string }[] }
  }
  const types = linux.namespaces.map(({ type }) => type)
  t.ok(types.includes('user'))
  t.notOk(types.includes('network'))
})

t.test('a bundle without config.json, or with a broken one, is one line', async (t) => {
  const bundle = folder(t)
  const without = tsrun(bundle, 'plan')
  t.equal(without.status, 1)
  t.match(without.stderr, /^tsrun: .*config\.json.*no such file or directory\n$/)
  writeFileSync(`${bundle}/config.json`, '{ "process": }')
  const broken = tsrun(bundle, 'plan')
  t.equal(broken.status, 1)
  t.match(broken.stderr, /^tsrun: .*config\.json.*line 1.*\n$/)
})

t.test('options of a bad container leave nothing behind', async (t) => {
  const root = `${folder(t)}/root`
  t.equal(tsrun('/', '--root', root, 'create', '--bundle', '/proc/none', 'x').status, 1)
  t.notOk(existsSync(`${root}/x`))
  fails(
    t,
    ['--root', root, 'state', '../x'],
    'tsrun: invalid container ID format: "../x" (letters, digits, "_", "+", "-", ".")',
  )
})
