/** The command `exec` with a terminal, in the foreground and for a socket. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { exec, running } from '../helpers/exec.js'
import { runInTerminal } from '../helpers/peer.js'
import { parseReport } from '../helpers/probe.js'
import { ended, Lines } from '../helpers/runtime.js'
import { test } from '../helpers/test.js'

test('--tty gives a terminal of the container, and the caller’s is as before at the end', (t, scope) => {
  const container = running(scope)
  const SIGWINCH = '28'
  const command = scope.runner.commandLine(['exec', '--tty', container.id, '/probe', 'signal', SIGWINCH])
  const { status, shown, raw, rawAtEnd } = runInTerminal(command, { rows: 33, columns: 99 })
  t.equal(status, 0)
  t.match(parseReport(shown).terminal, { stdin: true, controlling: true, rows: 24, columns: 80 })
  t.match(parseReport(shown).fds, { '0': /^\/dev\/pts\/\d+$/ })
  t.match(shown, /signal 28, 33 rows, 99 columns/)
  t.same({ raw, rawAtEnd }, { raw: true, rawAtEnd: false })
})

test('the caller’s terminal is also restored when the process is killed', (t, scope) => {
  const container = running(scope)
  const script = 'echo ready; read line; kill -KILL $$'
  const command = scope.runner.commandLine(['exec', '--tty', container.id, '/bin/sh', '-c', script])
  const { status, raw, rawAtEnd } = runInTerminal(command, { typed: '\r' })
  t.same({ status, raw, rawAtEnd }, { status: 137, raw: true, rawAtEnd: false })
})

test('it is restored too when the runtime is told to end, which ends the process', (t, scope) => {
  const container = running(scope)
  const inside = 'mkfifo /tmp/fifo; echo ready; read line; echo go > /tmp/fifo; read line'
  const command = scope.runner.commandLine(['exec', '--tty', container.id, '/bin/sh', '-c', inside])
  const fifo = join(container.bundle.rootfs, 'tmp/fifo')
  // A shell gives what it runs in the background /dev/null, unless it is told otherwise.
  const outside = `exec 3<&0; "$@" <&3 & until read line < ${fifo}; do :; done 2>/dev/null; kill -TERM $!; wait $!`
  const { status, rawAtEnd, raw } = runInTerminal(['/bin/sh', '-c', outside, 'sh', ...command], { typed: '\r' })
  t.same({ status, raw, rawAtEnd }, { status: 143, raw: true, rawAtEnd: false })
})

test(
  'a terminal of the container works with pipes of the caller',
  async (t, scope) => {
    const container = running(scope)
    const child = scope.runner.spawn([
      'exec',
      '--tty',
      container.id,
      '/bin/sh',
      '-c',
      'echo here; read line; echo "<$line>"',
    ])
    const lines = new Lines(child.stdout)
    t.equal(await lines.next(), 'here')
    child.stdin?.write('typed\n')
    const shown: string[] = []
    for (let line = await lines.next(); line !== undefined; line = await lines.next()) shown.push(line)
    t.ok(shown.includes('<typed>'), shown.join('|'))
    t.same(await ended(child), { status: 0, signal: null })
  },
  { needs: ['tsrun'] },
)

test('with --detach the terminal goes to the console socket', async (t, scope) => {
  const container = running(scope)
  t.match(exec(scope, '-t', '-d', container.id, '/probe'), { status: 255, stderr: /console.socket/ })
  t.match(exec(scope, '-d', '--console-socket', scope.path('nobody'), container.id, '/probe'), { status: 255 })
  const peer = await scope.peer('console', scope.path('socket'))
  const args = ['-t', '-d', '--console-socket', scope.path('socket'), container.id, '/bin/echo', 'shown']
  t.equal(exec(scope, ...args).status, 0)
  t.match(await peer.report(), { descriptors: 1, shown: 'shown\r\n', major: 5, minor: 2 })
})

test(
  'the pidfd socket receives a pidfd of the process',
  async (t, scope) => {
    const container = running(scope)
    const peer = await scope.peer('pidfd', scope.path('socket'))
    const pidFile = scope.path('pid')
    const args = [
      '-d',
      '--pid-file',
      pidFile,
      '--pidfd-socket',
      scope.path('socket'),
      container.id,
      '/bin/sleep',
      '1000',
    ]
    t.equal(exec(scope, ...args).status, 0)
    const pid = Number(readFileSync(pidFile, 'utf8'))
    process.kill(pid, 'SIGKILL')
    t.match(await peer.report(), { message: 'setns', descriptors: 1, pid, ended: true })
  },
  { needs: ['tsrun'] },
)

test(
  'the end of the caller’s input ends what is typed into the terminal',
  (t, scope) => {
    const container = running(scope)
    for (const input of ['x\n', 'x', '']) {
      const { status, stdout } = scope.runtime(['exec', '--tty', container.id, '/bin/cat'], { input })
      t.equal(status, 0, JSON.stringify(input))
      t.match(stdout, input === '' ? /^/ : /x/)
    }
  },
  { needs: ['tsrun'] },
)

test(
  'in a job in the background it runs, and the terminal is left as it is',
  (t, scope) => {
    const container = running(scope)
    const command = scope.runner.commandLine(['exec', '--tty', container.id, '/bin/echo', 'from the container'])
    // A shell gives what it runs in the background /dev/null, unless it is told otherwise.
    const script = 'set -m; exec 3<&0; "$@" <&3 & wait $!; echo "status $?"; echo ready'
    const { status, shown, raw } = runInTerminal(['/bin/bash', '-c', script, 'bash', ...command])
    t.same({ status, raw }, { status: 0, raw: false })
    t.match(shown, /from the container/)
    t.match(shown, /status 0/)
  },
  { needs: ['tsrun'] },
)
