/** What engines and operators that were set up for runc or crun rely on: names, flags and logs of theirs. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import type { Change } from '../helpers/config.js'
import { runtimeCommand } from '../helpers/requires.js'
import type { Scope } from '../helpers/scope.js'
import { testWith } from '../helpers/test.js'

const test = testWith('tsrun')

const waits: Change = (config) => {
  config.process.args = ['/probe', 'wait']
}

test('by the name of runc or crun it has the version line of these, as engines take it apart', (t, scope) => {
  const [program, ...before] = runtimeCommand()
  for (const [name, version] of [
    ['runc', /^runc version 1\.\d+\.\d+\+tsrun\.\d+\.\d+\.\d+$/],
    ['crun', /^crun version 1\.\d+\.\d+\+tsrun\.\d+\.\d+\.\d+$/],
  ] as const) {
    const link = scope.path(name)
    symlinkSync(before[0] ?? program, link)
    const args = before.length > 0 ? [program, link] : [link]
    const { status, stdout } = scope.runner.runProgram(args[0] ?? '', [...args.slice(1), '--version'])
    const lines = stdout.split('\n')
    t.equal(status, 0)
    t.match(lines[0], version)
    t.ok(lines.some((line) => /^spec: \d\.\d\.\d$/.test(line)))
  }
})

test('by the name of crun it lists +CRIU where that is in the PATH', (t, scope) => {
  const [program, ...before] = runtimeCommand()
  const link = scope.path('crun')
  symlinkSync(before[0] ?? program, link)
  mkdirSync(scope.path('bin'))
  writeFileSync(scope.path('bin/criu'), '', { mode: 0o755 })
  const [first = '', ...args] = before.length > 0 ? [program, link] : [link]
  const features = (path: string): string | undefined =>
    scope.runner
      .runProgram(first, [...args, '--version'], { env: { PATH: path } })
      .stdout.split('\n')
      .at(-2)
  t.equal(features(scope.path('bin')), '+SYSTEMD +SELINUX +APPARMOR +CAP +SECCOMP +EBPF +CRIU')
  t.equal(features(scope.path('none')), '+SYSTEMD +SELINUX +APPARMOR +CAP +SECCOMP +EBPF')
})

test('kill and delete take a regular expression for all containers that match it', (t, scope) => {
  const [one, two, other] = [scope.container(waits), scope.container(waits), scope.container(waits)]
  for (const container of [one, two, other]) t.equal(container.run(['--detach']).status, 0)
  const both = `^(${one.id}|${two.id})$`
  t.same(scope.runtime(['delete', '--regex', both]).status, 1, 'what goes wrong is told in the exit status')
  t.match(scope.runtime(['kill', '--regex', both, 'KILL']), { status: 0, stdout: '', stderr: '' })
  one.awaitEnd()
  two.awaitEnd()
  t.equal(other.state().status, 'running')
  t.match(scope.runtime(['kill', '-r', both, 'KILL']).stderr, `container ${one.id}: container not running`)
  t.match(scope.runtime(['delete', '-r', both]), { status: 0, stderr: '' })
  t.same(
    [one, two, other].map(({ id }) => scope.runner.hasState(id)),
    [false, false, true],
  )
  t.match(scope.runtime(['delete', '-r', '-f', 'nobody-is-called-so']), { status: 0, stderr: '' })
  t.match(scope.runtime(['delete', '-r', '-f', scope.word]), { status: 0, stderr: '' })
  t.notOk(scope.runner.hasState(other.id))
  t.match(scope.runtime(['delete', '-r', '(']), { status: 1, stderr: /cannot use the regular expression "\("/ })
  t.match(scope.runtime(['kill', '-r', '[[:digit:]]']), { status: 1, stderr: /no \[:classes:\]/ })
})

test('--config names another file than the config.json of the bundle, from the working directory on', (t, scope) => {
  const container = scope.container((config) => {
    config.process.args = ['/bin/echo', 'from another file']
  })
  renameSync(`${container.bundle.path}/config.json`, scope.path('other.json'))
  t.match(container.run([]), { status: 1, stderr: /no config.json in bundle/ })
  for (const args of [
    ['--config', 'other.json'],
    ['-f', scope.path('other.json')],
  ]) {
    t.match(container.run(args, { cwd: scope.folder }), { status: 0, stdout: 'from another file\n', stderr: '' })
  }
  writeFileSync(scope.path('broken.json'), '{"ociVersion": 1}')
  t.match(container.create(['-f', scope.path('broken.json')]), { status: 1, stderr: /ociVersion/ })
  copyFileSync(scope.path('other.json'), `${container.bundle.path}/config.json`)
  t.match(container.create(['--no-subreaper']), { status: 0, stderr: '' })
})

test('spec writes to the file that --config names', (t, scope) => {
  t.match(scope.runtime(['spec', '-f', scope.path('new.json')]), { status: 0, stderr: '' })
  t.ok(existsSync(scope.path('new.json')))
  t.match(scope.runtime(['spec', '-f', scope.path('new.json')]), { status: 1, stderr: /new.json exists/ })
})

test('--criu of older runc is taken with a warning', (t, scope) => {
  t.match(scope.runtime(['list', '-q'], { globals: ['--criu', '/usr/sbin/criu'] }), {
    status: 0,
    stderr: /warning.*--criu/,
  })
})

/** Receives datagrams at a path that exists in its mount namespace alone, and gives them to the shell's stdout. */
const receiver = `use Socket; socket(S, AF_UNIX, SOCK_DGRAM, 0); bind(S, sockaddr_un($ARGV[0])) or die;
open(F, ">", $ARGV[1]); close F; alarm 30; recv(S, $text, 65536, 0); print $text`

/** Runs a command that fails, with a log where `socket` is somebody's; what that has received. */
function received(scope: Scope, socket: string, prepare: string, log: string): string {
  const ready = scope.path('ready')
  const script = `${prepare}; perl -e "$RECEIVER" ${socket} ${ready} &
    while [ ! -e ${ready} ]; do :; done; "$@" 2>${scope.path('errors')}; wait`
  const env = { PATH: process.env.PATH ?? '', RECEIVER: receiver }
  const [...command] = scope.runner.commandLine(['start', 'no\u001bbody'], { globals: ['--log', log] })
  return scope.runner.runProgram('unshare', ['-m', 'sh', '-c', script, 'sh', ...command], { env }).stdout
}

test('--log journald:IDENTIFIER writes to the journal of systemd', (t, scope) => {
  const prepare = 'mkdir -p /run/systemd; mount -t tmpfs none /run/systemd; mkdir /run/systemd/journal'
  const text = received(scope, '/run/systemd/journal/socket', prepare, 'journald:web')
  t.match(text, /^MESSAGE=invalid container ID format: "no\\u001bbody".*\nPRIORITY=3\nSYSLOG_IDENTIFIER=web\nID=web\n/)
  t.match(text, /\nTSRUN_CODE="ERR_TSRUN_USAGE"\n$/)
  t.match(readFileSync(scope.path('errors'), 'utf8'), /^tsrun: invalid container ID/)
})

test('--log syslog:IDENTIFIER writes to the syslog daemon', (t, scope) => {
  const folder = scope.path('dev')
  const prepare = `mkdir ${folder}; mount --bind /dev ${folder}; mount -t tmpfs none /dev; : > /dev/null; mount --bind ${folder}/null /dev/null`
  const text = received(scope, '/dev/log', prepare, 'syslog:web')
  t.match(text, /^<11>web: invalid container ID format: .* code="ERR_TSRUN_USAGE"$/)
})

test('a log that nobody takes is an error before anything is done; file: is a path', (t, scope) => {
  const path = scope.path('journald:file')
  const [program, ...args] = scope.runner.commandLine(['list'], { globals: ['--log', 'journald:x'] })
  const script = 'mkdir -p /run/systemd; mount -t tmpfs none /run/systemd; exec "$@"'
  const { status, stderr } = scope.runner.runProgram('unshare', ['-m', 'sh', '-c', script, 'sh', program, ...args])
  t.match({ status, stderr }, { status: 1, stderr: /cannot write the log: connect "\/run\/systemd\/journal\/socket"/ })
  t.equal(scope.runtime(['start', 'nobody'], { globals: ['--log', `file:${path}`] }).status, 1)
  t.match(readFileSync(path, 'utf8'), /does not exist/)
})
