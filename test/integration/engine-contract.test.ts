/** What every engine relies on, whatever the container: each point breaks at least one of them when it is missed. */
import { linkSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Change } from '../helpers/config.js'
import type { Container } from '../helpers/container.js'
import { runAsSubreaper } from '../helpers/peer.js'
import { parseReport, tried } from '../helpers/probe.js'
import { ended, Lines } from '../helpers/runtime.js'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'

const program =
  (...args: string[]): Change =>
  (config) => {
    config.process.args = args
  }

const sleeper = program('/bin/sleep', '1000')

/** For commands whose output is a pipe that must not be kept open by the container. */
const toFile = (scope: Scope, command: readonly string[]): string[] => [
  '/bin/sh',
  '-c',
  `exec "$@" >${scope.path('out')} 2>&1`,
  'sh',
  ...command,
]

test('1. flags come with one dash or two, with a blank or an equals sign, and end at the first positional', (t, scope) => {
  const bundle = scope.bundle(sleeper).path
  const id = (): string => {
    const name = scope.newId()
    scope.defer(() => void scope.runtime(['delete', '--force', name]))
    return name
  }
  for (const flags of [
    ['--bundle', bundle, '--detach'],
    [`--bundle=${bundle}`, '--detach=true'],
    ['-bundle', bundle, '-detach', '-no-subreaper'],
    ['-b', bundle, '-d', '--no-subreaper=false'],
  ]) {
    t.equal(scope.runtime(['run', ...flags, id()]).status, 0, flags.join(' '))
  }
  const name = id()
  t.equal(scope.runtime(['run', '-b', bundle, '-d', name], { globals: ['--rootless=false'] }).status, 0)
  const { stdout } = scope.runtime(['exec', '-e', 'LIST=a,b', name, '/bin/env', '-u', 'NOTHING'])
  t.match(stdout, /^LIST=a,b$/m, 'a comma separates nothing, and -u is for the program')
  t.equal(scope.runtime(['kill', name, '9']).status, 0)
})

test('2. the pid file is whole when the command ends, has no newline, and comes after the terminal', async (t, scope) => {
  const pidFile = scope.path('pid')
  writeFileSync(pidFile, 'before')
  linkSync(pidFile, scope.path('kept'))
  const container = scope.container(sleeper)
  t.equal(container.create(['--pid-file', pidFile]).status, 0)
  t.equal(readFileSync(pidFile, 'utf8'), String(container.state().pid))
  t.equal(readFileSync(scope.path('kept'), 'utf8'), 'before', 'it was replaced, not written to')

  const terminal = scope.container((config) => {
    sleeper(config)
    config.process.terminal = true
  })
  const missing = ['--console-socket', scope.path('nobody'), '--pid-file', scope.path('other')]
  t.equal(terminal.create(missing).status, 1)
  t.throws(() => readFileSync(scope.path('other')), { code: 'ENOENT' })
  await scope.peer('console', scope.path('socket'))
  t.equal(terminal.create(['--console-socket', scope.path('socket'), '--pid-file', scope.path('other')]).status, 0)
  t.equal(readFileSync(scope.path('other'), 'utf8'), String(terminal.state().pid))
})

test('3. state is one JSON object on stdout, and nothing is on stderr after a success', (t, scope) => {
  const container = scope.container(sleeper)
  container.bundle.config.annotations = { key: 'value' }
  container.rewrite()
  t.equal(container.create().stderr, '')
  const state = scope.runtime(['state', container.id])
  t.equal(state.stderr, '')
  t.match(JSON.parse(state.stdout), {
    ociVersion: String,
    id: container.id,
    pid: Number,
    status: 'created',
    bundle: container.bundle.path,
    rootfs: container.bundle.rootfs,
    created: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/,
    annotations: { key: 'value' },
  })
  for (const args of [['start', container.id], ['list'], ['features'], ['kill', container.id, 'KILL']]) {
    t.equal(scope.runtime(args).stderr, '', args.join(' '))
  }
  container.awaitEnd()
  t.equal(container.delete().stderr, '')
})

test('4. a failure appends exactly one record to the JSON log, and a success none', (t, scope) => {
  const log = scope.path('log.json')
  const globals = ['--log', log, '--log-format', 'json']
  const container = scope.container(sleeper)
  t.equal(scope.runtime(['run', '-d', '-b', container.bundle.path, container.id], { globals }).status, 0)
  t.equal(scope.runtime(['exec', container.id, '/bin/true'], { globals }).status, 0)
  t.equal(readFileSync(log, 'utf8'), '')
  const records = (): unknown[] =>
    readFileSync(log, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as unknown)
  const failing = [
    ['state', 'nobody'],
    ['exec', container.id, 'nothing'],
    ['create', '--bundle', scope.path('no-bundle'), 'other'],
  ]
  for (const [index, args] of failing.entries()) {
    const { stderr } = scope.runtime(args, { globals })
    t.equal(records().length, index + 1, 'one more')
    const record = records().at(-1) as { level: string; msg: string; time: string }
    t.equal(record.level, 'error')
    t.match(stderr, record.msg, 'the same words as on stderr')
    t.match(record.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/)
  }
})

test('5. an error is one line on stderr; the status is 1, and 255 of exec', (t, scope) => {
  const container = scope.container(sleeper)
  container.run(['--detach'])
  const cases: [string[], number][] = [
    [['state', 'nobody'], 1],
    [['start', 'nobody'], 1],
    [['kill', 'nobody', '9'], 1],
    [['delete', 'nobody'], 1],
    [['exec', 'nobody', '/bin/true'], 255],
    [['exec', container.id, 'nothing'], 255],
  ]
  for (const [args, status] of cases) {
    const result = scope.runtime(args)
    t.equal(result.status, status, args.join(' '))
    t.match(result.stderr, /^[^\n]+\n$/)
    t.equal(result.stdout, '')
  }
})

/** The processes that a command has left to who called it. */
function leftBy(scope: Scope, args: readonly string[]): readonly number[] {
  const { status, children } = runAsSubreaper(toFile(scope, scope.runner.commandLine(args)))
  if (status !== 0) throw new Error(`${args.join(' ')}: ${readFileSync(scope.path('out'), 'utf8')}`)
  return children
}

test('6. init and added processes are children of the caller once the runtime has ended, and nothing else is left', (t, scope) => {
  const container = scope.container(sleeper)
  const left = leftBy(scope, ['create', '--bundle', container.bundle.path, container.id])
  const { pid } = container.state()
  t.same(left, [pid])
  t.same(leftBy(scope, ['start', container.id]), [])
  const pidFile = scope.path('pid')
  const added = leftBy(scope, ['exec', '--detach', '--pid-file', pidFile, container.id, '/bin/sleep', '1000'])
  t.same(added, [Number(readFileSync(pidFile, 'utf8'))])

  const joining = scope.container((config) => {
    sleeper(config)
    const namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid')
    config.linux.namespaces = [...namespaces, { type: 'pid', path: `/proc/${pid}/ns/pid` }]
  })
  const joined = leftBy(scope, ['run', '--detach', '--bundle', joining.bundle.path, joining.id])
  t.same(joined, [joining.state().pid], 'also when init had to fork for it')
})

async function outputOf(container: Container): Promise<string> {
  const child = container.spawn('create')
  const lines = new Lines(child.stdout)
  await ended(child)
  container.start()
  const first = await lines.next()
  // The stream ends with the last process that has it open.
  const second = await lines.next()
  if (second !== undefined) throw new Error(`another line: ${second}`)
  return first ?? ''
}

test('7. the streams of create are the container’s own: they end with it, and belong to its user', async (t, scope) => {
  const container = scope.container((config) => {
    config.process.args = ['/probe', 'follow /proc/self/fd/1', 'follow /proc/self/fd/2']
    config.process.user = { uid: 1000, gid: 1000 }
  })
  const report = parseReport(await outputOf(container))
  t.equal(tried(report, 'follow /proc/self/fd/1').uid, 1000)
  t.equal(tried(report, 'follow /proc/self/fd/2').uid, 1000)
})

test('8. when create returns, init is in its final cgroup', (t, scope) => {
  const container = scope.container((config) => {
    sleeper(config)
    config.linux.cgroupsPath = `/${scope.word}`
  })
  container.create()
  const path = `/proc/${container.state().pid}/cgroup`
  const created = readFileSync(path, 'utf8')
  t.match(created, new RegExp(`:/${scope.word}$`, 'm'))
  container.start()
  t.equal(readFileSync(path, 'utf8'), created)
})

test('9. NOTIFY_SOCKET is only needed by who sets it: without it nothing waits', (t, scope) => {
  const container = scope.container(sleeper)
  t.equal(container.create([], { env: {} }).status, 0)
  t.equal(scope.runtime(['start', container.id], { env: {} }).status, 0)
})

test('10. an empty environment and / as the current directory are enough', (t, scope) => {
  const container = scope.container(sleeper)
  const bare = { env: {}, cwd: '/' }
  t.equal(scope.runtime(['create', '--bundle', container.bundle.path, container.id], bare).status, 0)
  t.equal(scope.runtime(['start', container.id], bare).status, 0)
  t.equal(scope.runtime(['exec', container.id, '/bin/true'], bare).status, 0)
  t.equal(scope.runtime(['state', container.id], bare).status, 0)
  t.equal(scope.runtime(['kill', container.id, 'KILL'], bare).status, 0)
  container.awaitEnd()
  t.equal(scope.runtime(['delete', container.id], bare).status, 0)
})

test('11. errors have the words that engines look for', (t, scope) => {
  for (const args of [
    ['delete', 'nobody'],
    ['kill', 'nobody', '9'],
    ['state', 'nobody'],
  ]) {
    t.match(scope.runtime(args).stderr, /does not exist/, args.join(' '))
  }
  const stopped = scope.container(program('/bin/true'))
  stopped.complete()
  t.match(stopped.kill('KILL').stderr, /container not running/)

  const running = scope.container(sleeper)
  running.run(['--detach'])
  writeFileSync(join(running.bundle.rootfs, 'plain'), 'not a program', { mode: 0o644 })
  const programs: [string, RegExp][] = [
    ['nothing', /executable file not found in \$PATH/],
    ['/nothing', /no such file or directory/],
    ['/etc', /is a directory|permission denied/],
    ['/plain', /permission denied/],
    ['/probe/deeper', /not a directory/],
  ]
  for (const [path, words] of programs) {
    const container = scope.container((config) => {
      config.process.args = [path]
    })
    writeFileSync(join(container.bundle.rootfs, 'plain'), 'not a program', { mode: 0o644 })
    t.match(container.create(), { status: 1, stderr: words }, `create ${path}`)
    t.match(scope.runtime(['exec', running.id, path]), { status: 255, stderr: words }, `exec ${path}`)
  }
})

test('12. features names both versions of the spec', (t, scope) => {
  const { stdout } = scope.runtime(['features'])
  t.match(JSON.parse(stdout), { ociVersionMin: /^\d+\.\d+\.\d+/, ociVersionMax: /^\d+\.\d+\.\d+/ })
})

test('kill --all of a stopped container is no error, nor is delete --force of one that is gone', (t, scope) => {
  const container = scope.container(program('/bin/true'))
  container.complete()
  t.equal(container.kill('KILL', ['--all']).status, 0)
  for (let time = 0; time < 3; time++) t.equal(container.delete(['--force']).status, 0)
})

test(
  'an unknown command fails also with --help, by which engines find out what there is',
  (t, scope) => {
    const { status, stderr } = scope.runtime(['no-such-command', '--help'])
    t.equal(status, 1)
    t.match(stderr, /no-such-command/)
  },
  { needs: ['tsrun'] },
)
