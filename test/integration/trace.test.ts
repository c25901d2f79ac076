/** Option --trace and command trace. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { testWith } from '../helpers/test.js'

const test = testWith('tsrun', 'static')

interface Event {
  readonly name: string
  readonly cat: string
  readonly ph: string
  readonly ts: number
  readonly dur: number
  readonly tid: number
}

const eventsOf = (file: string): Event[] =>
  (JSON.parse(readFileSync(file, 'utf8')) as { traceEvents: Event[] }).traceEvents

test('create, start, exec and delete add their steps and those of init to one trace', (t, scope) => {
  const container = scope.container((config) => void (config.process.args = ['/bin/sh', '-c', 'sleep 1000']))
  const file = scope.path('trace.json')
  t.match(container.create(['--trace', file]), { status: 0, stderr: '' })
  const init = eventsOf(file).filter(({ tid }) => tid === 2)
  for (const name of ['rootfs', 'mountFilesystem', 'pivotRoot', 'program', 'barrier']) {
    t.ok(
      init.some((event) => event.name === name),
      name,
    )
  }
  t.match(scope.runtime(['start', '--trace', file, container.id]), { status: 0, stderr: '' })
  t.ok(eventsOf(file).some(({ name, tid }) => name === 'exec' && tid === 2))
  t.match(scope.runtime(['exec', '--trace', file, container.id, '/bin/true']), { status: 0, stderr: '' })
  t.match(container.delete(['--force', '--trace', file]), { status: 0, stderr: '' })
  const events = eventsOf(file)
  const commands = events.filter(({ cat }) => cat === 'command')
  t.same(
    commands.map(({ name }) => name),
    ['create', 'start', 'exec', 'delete'].map((name) => `tsrun ${name}`),
  )
  for (const { ph, ts, dur } of events) t.ok(ph === 'X' && dur >= 0 && ts > 1e15)
  const [whole] = commands
  for (const { ts, dur } of init)
    t.ok(whole && ts >= whole.ts && ts + dur <= whole.ts + whole.dur, 'within its command')
  t.match(scope.runtime(['trace', file]).stdout, /^ +0\.000 +[\d.]+ {2}tsrun {7}tsrun create\n/)
})

test('a failing command has a trace too, and a file that is none stays as it is', (t, scope) => {
  const container = scope.container((config) => void (config.process.args = ['/nothing']))
  const file = scope.path('trace.json')
  t.match(container.create(['--trace', file]), { status: 1, stderr: /no such file/ })
  t.ok(eventsOf(file).some(({ name }) => name === 'program'))
  const other = join(container.bundle.path, 'config.json')
  const before = readFileSync(other, 'utf8')
  t.match(container.create(['--trace', other]), { status: 1, stderr: /is not a trace of tsrun/ })
  t.equal(readFileSync(other, 'utf8'), before)
  const folder = container.bundle.path
  const inside = readdirSync(folder)
  t.match(scope.runtime(['trace', file, '--html', folder]), { status: 1, stderr: /is a directory/ })
  t.same(readdirSync(folder), inside, 'no directory is put aside for a page')
})

test('behind its seccomp filter init makes the same system calls with a trace as without', (t, scope) => {
  const container = scope.container((config) => {
    config.process.args = ['/bin/true']
    config.process.noNewPrivileges = true
    config.linux.seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['getcwd'], action: 'SCMP_ACT_ERRNO' }],
    }
  })
  const behindFilter = (...args: string[]): string[] => {
    const file = scope.path('calls')
    const run = scope.runner.commandLine(['run', '--bundle', container.bundle.path, ...args, container.id])
    scope.runner.runProgram('strace', ['-f', '-o', file, ...run])
    const lines = readFileSync(file, 'utf8').split('\n')
    const filter = lines.findIndex((line) => /seccomp\(SECCOMP_SET_MODE_FILTER, .*\{len=/.test(line))
    const [pid = ''] = lines[filter]?.split(' ') ?? []
    const own = lines.slice(filter + 1).filter((line) => line.startsWith(`${pid} `) && !line.includes('resumed>'))
    const program = own.findIndex((line) => line.includes('execve('))
    return own.slice(0, program + 1).map((line) => line.slice(pid.length, line.indexOf('(')).trim())
  }
  const plain = behindFilter()
  t.equal(plain.at(-1), 'execve')
  t.same(behindFilter('--trace', scope.path('trace.json')), plain)
})

test('without --trace there is no system call more: with it init has its stamps besides, tsrun reads and keeps them', (t, scope) => {
  const container = scope.container((config) => void (config.process.args = ['/bin/true']))
  /** How often each of the two processes makes which system call. */
  const calls = (name: string, ...args: string[]): Map<string, number>[] => {
    const file = scope.path(name)
    const run = scope.runner.commandLine(['run', '--bundle', container.bundle.path, ...args, container.id])
    scope.runner.runProgram('strace', ['-f', '-o', file, ...run])
    const processes = new Map<string, Map<string, number>>()
    for (const [, pid = '', call = ''] of readFileSync(file, 'utf8').matchAll(/^(\d+) +(\w+)\(/gm)) {
      const counts = processes.get(pid) ?? new Map<string, number>()
      processes.set(pid, counts.set(call, (counts.get(call) ?? 0) + 1))
    }
    return [...processes.values()]
  }
  const more = (with_: Map<string, number>, without: Map<string, number>): Record<string, number> =>
    Object.fromEntries(
      [...new Set([...with_.keys(), ...without.keys()])]
        .map((name) => [name, (with_.get(name) ?? 0) - (without.get(name) ?? 0)] as const)
        .filter(([, difference]) => difference !== 0),
    )
  // How often tsrun has to wait is a matter of time: until it has waited as often as in another run.
  const waitingAs = (other: Map<string, number>[], name: string, ...args: string[]): Map<string, number>[] => {
    for (let round = 1; ; round++) {
      const found = calls(name, ...args)
      if (round === 10 || ['poll', 'wait4'].every((call) => found[0]?.get(call) === other[0]?.get(call))) return found
    }
  }
  // What is kept between two runs, such as the directory of the root, is there after the first.
  const plain = waitingAs(calls('first'), 'plain')
  const [again, traced] = [waitingAs(plain, 'again'), waitingAs(plain, 'traced', '--trace', scope.path('trace.json'))]
  t.equal(plain.length, 2)
  for (const [at, of] of ['tsrun', 'tsrun-init'].entries())
    t.same(more(again[at]!, plain[at]!), {}, `${of}: one run as the other`)
  const { write = 0, ...nothing } = more(traced[1]!, plain[1]!)
  t.ok(write > 10, `${write} stamps`)
  t.same(nothing, {}, 'of init nothing but these')
  const parent = more(traced[0]!, plain[0]!)
  t.equal(parent.recvmsg, write, 'each is received')
  const keeping = [
    'close',
    'fstat',
    'getegid',
    'geteuid',
    'getpid',
    'openat',
    'read',
    'recvmsg',
    'rename',
    'renameat2',
    'unlink',
    'write',
  ]
  t.same(
    Object.keys(parent).filter((name) => !keeping.includes(name)),
    [],
    'and the file is written',
  )
  t.notOk(Object.values(parent).some((difference) => difference < 0))
})

test('the page is one file without a script, in which nothing of a config is markup', (t, scope) => {
  const container = scope.container((config) => void (config.process.args = ['/bin/true']))
  const [file, page] = [scope.path('<img src=x>.json'), scope.path('page.html')]
  t.equal(container.run(['--trace', file]).status, 0)
  t.match(scope.runtime(['trace', file, '--html', page]), { status: 0, stderr: '' })
  const text = readFileSync(page, 'utf8')
  t.notMatch(text, /<script|<img|https?:|<link/)
  t.ok((text.match(/class="bar /g) ?? []).length > 20)
})
