/** config.json: process.terminal and consoleSize; commands: --console-socket, and a terminal in the foreground. */
import type { Change } from '../helpers/config.js'
import { runInTerminal } from '../helpers/peer.js'
import { mountAt, parseReport, tried } from '../helpers/probe.js'
import { test } from '../helpers/test.js'

const terminal =
  (...args: string[]): Change =>
  (config) => {
    config.process.terminal = true
    config.process.args = args
  }

test('the console socket receives the multiplexer of the container’s terminal', async (t, scope) => {
  const script = 'echo hi > /dev/console; exec /probe "stat /dev/console" "stat /dev/pts/0"'
  const container = scope.container(terminal('/bin/sh', '-c', script))
  const peer = await scope.peer('console', scope.path('socket'))
  t.match(container.create(['--console-socket', scope.path('socket')]), { status: 0, stdout: '', stderr: '' })
  container.start()
  const { descriptors, major, minor, shown = '' } = await peer.report()
  t.same([descriptors, major, minor], [1, 5, 2])
  const report = parseReport(shown)
  t.match(report.terminal, { stdin: true, controlling: true, foreground: 1 })
  for (const fd of ['0', '1', '2']) t.match(report.fds[fd], /^\/dev\/(pts\/0|console)$/)
  t.match(tried(report, 'stat /dev/console'), { type: 'char', major: 136, minor: 0 })
  t.match(tried(report, 'stat /dev/pts/0'), { type: 'char', major: 136, minor: 0 })
  t.equal(mountAt(report, '/dev/console').type, 'devpts', 'the terminal is mounted at /dev/console')
  t.match(shown, /^hi\r\n/)
  t.equal(report.sid, 1, 'the program leads the session')
  container.awaitEnd()
})

test('what is typed into the terminal reaches the program, and nothing of the caller’s streams does', async (t, scope) => {
  const container = scope.container(terminal('/bin/sh', '-c', 'read line; echo "got $line"'))
  const peer = await scope.peer('console', scope.path('socket'), 'a line\n')
  container.create(['--console-socket', scope.path('socket')], { input: 'not this\n' })
  container.start()
  t.match((await peer.report()).shown, /got a line\r\n/)
  container.awaitEnd()
  t.same(container.output, { stdout: '', stderr: '' })
})

test('the terminal has the size of consoleSize from the start', async (t, scope) => {
  const container = scope.container((config) => {
    terminal('/probe')(config)
    config.process.consoleSize = { height: 33, width: 99 }
  })
  const peer = await scope.peer('console', scope.path('socket'))
  container.create([`--console-socket=${scope.path('socket')}`])
  container.start()
  const { rows, columns, shown = '' } = await peer.report()
  t.same([rows, columns], [33, 99])
  t.match(parseReport(shown).terminal, { rows: 33, columns: 99 })
  container.awaitEnd()
})

test('consoleSize without a terminal is ignored', (t, scope) => {
  const { terminal } = scope.probe((config) => {
    config.process.consoleSize = { height: 33, width: 99 }
  })
  t.match(terminal, { stdin: false, controlling: false, rows: 0, columns: 0 })
  // Where the caller's own terminal is the container's stdin there is something that could be changed.
  const container = scope.container((config) => {
    config.process.args = ['/probe']
    config.process.consoleSize = { height: 33, width: 99 }
  })
  const command = scope.runner.commandLine(['run', '--bundle', container.bundle.path, container.id])
  const { status, shown } = runInTerminal(command)
  t.equal(status, 0)
  t.match(parseReport(shown).terminal, { stdin: true, controlling: false, rows: 24, columns: 80 })
})

test('the terminal belongs to the user of the program', async (t, scope) => {
  const container = scope.container((config) => {
    terminal('/probe', 'stat /dev/pts/0', 'open /dev/pts/0 rw', 'open /dev/console rw')(config)
    config.process.user = { uid: 1000, gid: 1000 }
  })
  const peer = await scope.peer('console', scope.path('socket'))
  container.create(['--console-socket', scope.path('socket')])
  container.start()
  const report = parseReport((await peer.report()).shown ?? '')
  t.match(tried(report, 'stat /dev/pts/0'), { uid: 1000, mode: 0o620 })
  t.equal(tried(report, 'open /dev/pts/0 rw').error, '')
  t.equal(tried(report, 'open /dev/console rw').error, '')
  container.awaitEnd()
})

test('create with a terminal and no console socket is refused, as is a socket without a terminal', (t, scope) => {
  const wants = scope.container(terminal('/probe'))
  t.match(wants.create(), { status: 1, stderr: /console socket/ })
  t.match(wants.run(['--detach']), { status: 1, stderr: /console socket/ })
  const container = scope.container()
  t.match(container.create(['--console-socket', scope.path('socket')]), { status: 1, stderr: /console socket/ })
  t.same(scope.leftovers(), [])
})

test('a console socket that nobody listens on makes create fail, with nothing left', (t, scope) => {
  const container = scope.container(terminal('/probe'))
  const { status, stderr } = container.create(['--console-socket', scope.path('nowhere')])
  t.equal(status, 1)
  t.match(stderr, /nowhere/)
  t.same(scope.leftovers(), [])
})

test('a terminal without a devpts in the container is a clear error', async (t, scope) => {
  const container = scope.container((config) => {
    terminal('/probe')(config)
    config.mounts = config.mounts.filter(({ destination }) => destination !== '/dev/pts')
  })
  await scope.peer('console', scope.path('socket'))
  const { status, stderr } = container.create(['--console-socket', scope.path('socket')])
  t.equal(status, 1)
  t.match(stderr, /ptmx|devpts/)
  t.same(scope.leftovers(), [])
})

test('run in the foreground passes the terminal through: size, raw mode, and later changes of the size', (t, scope) => {
  const SIGWINCH = '28'
  const container = scope.container(terminal('/probe', 'signal', SIGWINCH))
  const command = scope.runner.commandLine(['run', '--bundle', container.bundle.path, container.id])
  const { status, shown, raw, rawAtEnd } = runInTerminal(command, { rows: 33, columns: 99 })
  t.equal(status, 0)
  t.match(parseReport(shown).terminal, { stdin: true, controlling: true, rows: 24, columns: 80 })
  t.match(shown, /signal 28, 33 rows, 99 columns/)
  t.equal(raw, true, 'raw while the container has it')
  t.equal(rawAtEnd, false, 'and as it was before at the end')
  t.same(scope.leftovers(), [])
})

test('an interrupt that is typed in the foreground reaches the program, not the runtime', (t, scope) => {
  const SIGINT = '2'
  const container = scope.container(terminal('/probe', 'signal', SIGINT))
  const command = scope.runner.commandLine(['run', '--bundle', container.bundle.path, container.id])
  const { status, shown } = runInTerminal(command, { typed: '\x03' })
  t.equal(status, 0)
  t.match(shown, /signal 2,/)
})

test('a newline is not turned into two by the caller’s terminal and the container’s', (t, scope) => {
  const container = scope.container(terminal('/bin/echo', 'one'))
  const command = scope.runner.commandLine(['run', '--bundle', container.bundle.path, container.id])
  t.equal(runInTerminal(command).shown, 'one\r\n')
})

test('what a terminal in the foreground shows goes on with the line ends of the program', (t, scope) => {
  const container = scope.container(terminal('/bin/echo', 'one'))
  t.match(container.run(), { status: 0, stdout: 'one\n' })
  const sleeping = scope.container((config) => void (config.process.args = ['/bin/sleep', '1000']))
  t.equal(sleeping.run(['--detach']).status, 0)
  t.match(scope.runtime(['exec', '--tty', sleeping.id, '/bin/echo', 'two']), { status: 0, stdout: 'two\n' })
})
