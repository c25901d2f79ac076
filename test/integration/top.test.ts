/** Commands: top, and events on a terminal. */
import { readFileSync } from 'node:fs'
import { runtimeCommand } from '../helpers/requires.js'
import type { Scope } from '../helpers/scope.js'
import { TerminalSession } from '../helpers/terminal-session.js'
import { testWith } from '../helpers/test.js'

const test = testWith('tsrun')

function running(scope: Scope, script = 'sleep 1000') {
  const container = scope.container((config) => void (config.process.args = ['/bin/sh', '-c', script]))
  if (container.run(['--detach']).status !== 0) throw new Error('the container does not run')
  return container
}

test('top --json prints a line per container and refresh', (t, scope) => {
  const [idle, busy] = [running(scope), running(scope, 'while :; do :; done')]
  const { status, stdout, stderr } = scope.runtime(['top', '--json', '--once', '--interval', '300ms'])
  t.same({ status, stderr }, { status: 0, stderr: '' })
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, number | string>)
  t.same(
    lines.map(({ id }) => id),
    [idle.id, busy.id].sort(),
  )
  const of = (id: string) => lines.find((line) => line.id === id)
  t.ok(Number(of(busy.id)?.cpuPercent) > Number(of(idle.id)?.cpuPercent))
  t.match(scope.runtime(['top', '--once', '--interval', '200ms']).stdout, new RegExp(`^CONTAINER .*\n${busy.id}`))
})

test(
  'top is sorted and filtered by keys, follows the size of the terminal, and gives it back when it is ended',
  async (t, scope) => {
    const [one, other] = [running(scope), running(scope)]
    const session = new TerminalSession(scope, 'sh')
    const top = scope.runner.commandLine(['top', '--interval', '200ms']).join(' ')
    const settings = scope.path('settings')
    session.press(`stty -g > ${settings}; ${top}; s=$?; stty -g >> ${settings}; echo status $s`, 'Enter')
    await session.shows(/2 containers, sorted by cpu/)
    session.press('n')
    t.match(await session.shows(/sorted by id/), new RegExp(`${one.id}[^]*${other.id}`))
    session.press('r')
    t.match(await session.shows(/turned round/), new RegExp(`${other.id}[^]*${one.id}`))
    session.press(`/${other.id.slice(-2)}`, 'Enter')
    t.notMatch(await session.shows(new RegExp(`filter: ${other.id.slice(-2)}\\n`)), one.id)
    session.resize(90, 12)
    await session.shows(/^c m p i o n: sort[^]*quit\s*$/m)
    other.kill('KILL')
    await session.shows(/^1 container,/)
    const { stdout } = scope.runner.runProgram('pgrep', ['-f', `^${runtimeCommand()[0]} .*${scope.root} top`])
    process.kill(Number(stdout), 'SIGTERM')
    await session.shows(/^status 143$/m)
    const [before, after] = readFileSync(settings, 'utf8').trimEnd().split('\n')
    t.equal(after, before)
  },
  { needs: ['tmux', 'static'] },
)

test(
  '^Z gives the terminal back, and fg takes it again',
  async (t, scope) => {
    const container = running(scope)
    const session = new TerminalSession(scope, 'sh')
    const settings = scope.path('settings')
    const top = scope.runner.commandLine(['top', '--interval', '200ms']).join(' ')
    session.press(`stty -g > ${settings}; ${top}`, 'Enter')
    await session.shows(new RegExp(`sorted by cpu[^]*${container.id}`))
    session.press('C-z')
    await session.shows(/Stopped/)
    session.press(`stty -g >> ${settings}; clear; fg`, 'Enter')
    await session.shows(new RegExp(`sorted by cpu[^]*${container.id}`))
    session.resize(60, 10)
    t.match(await session.shows(/MEM +LIMIT +PIDS/), /^c m p i o n: sort/m, 'it sees the size change')
    session.press('q')
    await session.shows(/[#$]\s*$/)
    const [before, after] = readFileSync(settings, 'utf8').trimEnd().split('\n')
    t.equal(after, before)
  },
  { needs: ['tmux', 'static'] },
)

test('a refresh costs a container no more than a read for each of its numbers', (t, scope) => {
  const calls = (): number => {
    const file = scope.path('calls')
    const args = ['-f', '-o', file, ...scope.runner.commandLine(['top', '--json', '--interval', '200ms'])]
    scope.runner.runProgram('timeout', ['-s', 'INT', '2.1', 'strace', ...args])
    const lines = readFileSync(file, 'utf8').split('\n')
    // From one wait for the time to the next.
    const waits = lines.flatMap((line, at) => (/ poll\(\[\{fd=\d+, events=POLLIN\}\], 1, -1/.test(line) ? [at] : []))
    return (waits[4] ?? 0) - (waits[3] ?? 0)
  }
  running(scope)
  const one = calls()
  for (let count = 0; count < 3; count++) running(scope)
  const four = calls()
  t.ok(one > 0 && (four - one) / 3 <= 10, `${one} system calls for one container, ${four} for four`)
  t.comment(`${(four - one) / 3} system calls per container and refresh`)
})

test(
  'events is for reading on a terminal, and JSON in a pipe',
  async (t, scope) => {
    const container = running(scope)
    t.match(scope.runtime(['events', '--stats', container.id]).stdout, /^\{"type":"stats"/)
    const session = new TerminalSession(scope, 'sh')
    session.press(scope.runner.commandLine(['events', '--stats', container.id]).join(' '), 'Enter')
    await session.shows(/^\d\d:\d\d:\d\d {2}cpu [\d.]+ s {3}memory \d+.* {3}processes \d/m)
  },
  { needs: ['tmux'] },
)

test(
  'all of 300 containers are drawn, and a refresh costs little',
  async (t, scope) => {
    const { bundle } = scope.container((config) => void (config.process.args = ['/bin/sleep', '1000']))
    const ids = Array.from({ length: 300 }, () => scope.newId())
    scope.defer(() => void scope.runtime(['delete', '--force', '--regex', '.*']))
    for (const id of ids) t.equal(scope.runtime(['run', '--detach', '--bundle', bundle.path, id]).status, 0)
    const command = scope.runner.commandLine(['top', '--interval', '300ms']).join(' ')
    const session = new TerminalSession(scope, 'sh')
    session.resize(160, 310)
    session.press(command, 'Enter')
    const screen = await session.shows(/^300 containers, sorted by cpu/m)
    t.same(
      ids.filter((id) => !screen.includes(id)),
      [],
      'each has its row',
    )
    session.press('q')
    session.resize(100, 24)
    const calls = scope.path('calls')
    session.press(`clear; strace -f -o ${calls} ${command}`, 'Enter')
    await session.shows(/^300 containers/m)
    const rounds = (): number[] =>
      readFileSync(calls, 'utf8')
        .split('\n')
        .flatMap((line, at) => (/poll\(.*, -1( <unfinished|\) *=)/.test(line) ? [at] : []))
    for (const end = Date.now() + 20_000; rounds().length < 5 && Date.now() < end;) await session.shows(/./)
    const [, , , before = 0, after = 0] = rounds()
    session.press('q')
    t.ok(after > before && after - before < 300 * 2 + 400, `${after - before} system calls per refresh`)

    const json = scope.runner.commandLine(['top', '--json', '--interval', '200ms']).join(' ')
    const { stdout, stderr } = scope.runner.runProgram('bash', [
      '-c',
      `TIMEFORMAT='%U %S'; time timeout -s INT 5 ${json} > ${scope.path('lines')}; wc -l < ${scope.path('lines')}`,
    ])
    const refreshes = Number(stdout) / 300
    const [user = 0, system = 0] = stderr.trim().split(' ').map(Number)
    const cpu = ((user + system) * 1000) / refreshes
    t.ok(refreshes > 1, `${refreshes} refreshes`)
    t.comment(`of 300 containers: ${after - before} system calls per refresh, ${Math.round(cpu)} ms of CPU`)
  },
  { needs: ['tmux'] },
)
