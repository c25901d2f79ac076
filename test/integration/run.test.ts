/** Commands: run. */
import { existsSync, openSync, closeSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { dropNamespace, type Change } from '../helpers/config.js'
import { processesWith } from '../helpers/leaks.js'
import { parseReport } from '../helpers/probe.js'
import { ended, Lines } from '../helpers/runtime.js'
import { test } from '../helpers/test.js'

const program =
  (...args: string[]): Change =>
  (config) => {
    config.process.args = args
  }

test('run in the foreground returns the exit status of the program and removes the container', (t, scope) => {
  for (const status of [0, 1, 42, 255]) {
    const container = scope.container(program('/probe', 'exit', String(status)))
    t.match(container.run(), { status, stderr: '' })
    t.same(scope.leftovers(), [])
  }
})

test('a program that dies of a signal gives 128 + its number', async (t, scope) => {
  const SIGILL = 4
  t.equal(scope.container(program('/probe', 'fault')).run().status, 128 + SIGILL)
  const container = scope.container(program('/probe', 'signals'))
  const child = container.spawn('run')
  const lines = new Lines(child.stdout)
  await lines.next()
  container.kill('KILL')
  t.same(await ended(child), { status: 137, signal: null })
})

test('standard input, output and error are those of run', (t, scope) => {
  const container = scope.container(program('/bin/sh', '-c', 'cat; echo problem >&2'))
  const { status, stdout, stderr } = container.run([], { input: 'some text' })
  t.same({ status, stdout, stderr }, { status: 0, stdout: 'some text', stderr: 'problem\n' })
})

test('a megabyte goes through the standard streams unchanged', async (t, scope) => {
  const container = scope.container(program('/bin/cat'))
  const text = 'x'.repeat(1 << 20)
  t.equal(container.run([], { input: text }).stdout, text)
  const child = container.spawn('run')
  const chunks: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stdin?.end(text)
  t.same(await ended(child), { status: 0, signal: null })
  t.equal(Buffer.concat(chunks).toString(), text)
})

test('signals to run in the foreground reach the program', async (t, scope) => {
  const container = scope.container(program('/probe', 'signals'))
  const child = container.spawn('run')
  const lines = new Lines(child.stdout)
  await lines.next()
  t.equal(await lines.next(), 'ready')
  for (const [name, number] of [
    ['SIGHUP', 1],
    ['SIGINT', 2],
    ['SIGQUIT', 3],
    ['SIGUSR1', 10],
    ['SIGUSR2', 12],
    ['SIGALRM', 14],
    ['SIGCONT', 18],
  ] as const) {
    child.kill(name)
    let seen = await lines.next()
    while (seen === '23') seen = await lines.next() // runc's own, see kill
    t.equal(seen, String(number), name)
  }
  child.kill('SIGTERM')
  t.same(await ended(child), { status: 0, signal: null })
})

test(
  'with --keep the stopped container is left for delete',
  (t, scope) => {
    const container = scope.container(program('/probe', 'exit', '3'))
    t.equal(container.run(['--keep']).status, 3)
    t.equal(container.state().status, 'stopped')
    t.equal(container.delete().status, 0)
  },
  { needs: ['tsrun'] },
)

test('run --detach returns when the program runs, and leaves it running', (t, scope) => {
  const container = scope.container(program('/probe', 'wait'))
  const pidFile = scope.path('pid')
  t.match(container.run(['--detach', '--pid-file', pidFile]), { status: 0, stderr: '' })
  const { status, pid } = container.state()
  t.equal(status, 'running')
  t.equal(readFileSync(pidFile, 'utf8'), String(pid))
})

test('run -d with --no-subreaper, spelled with one dash as containerd does', (t, scope) => {
  const container = scope.container(program('/probe', 'wait'))
  t.equal(container.run(['-no-subreaper', '-d']).status, 0)
  t.equal(container.state().status, 'running')
})

test('processes that the program leaves in a shared pid namespace end with the container', (t, scope) => {
  const container = scope.container((config) => {
    dropNamespace(config, 'pid')
    config.process.args = ['/bin/sh', '-c', 'sleep 1000 & exit 5']
  })
  t.equal(container.run().status, 5)
  t.same(processesWith(container.id), [])
})

test('a program that cannot be run makes run fail, with nothing left', (t, scope) => {
  for (const args of [[], ['--detach']]) {
    const { status, stderr } = scope.container(program('/nonexistent')).run(args)
    t.equal(status, 1)
    t.match(stderr, /no such file or directory/)
    t.same(scope.leftovers(), [])
  }
})

test('run --detach keeps no descriptor of its caller open', async (t, scope) => {
  const container = scope.container((config) => {
    config.process.args = ['/bin/sh', '-c', 'exec </dev/null >/dev/null 2>&1; echo > /ready; exec sleep 1000']
  })
  const ready = container.fifo('ready')
  const child = container.spawn('run', ['--detach'])
  const lines = new Lines(child.stdout)
  t.same(await ended(child), { status: 0, signal: null })
  ready.read()
  t.equal(await lines.next(), undefined, 'the end of the output is seen although the container runs')
  t.equal(container.state().status, 'running')
})

test('preserved descriptors reach the program, and no others do', (t, scope) => {
  const third = openSync(scope.path('third'), 'w')
  const fourth = openSync(scope.path('fourth'), 'w')
  const container = scope.container(program('/probe', 'write /proc/self/fd/3 hello'))
  container.run(['--preserve-fds', '1'], { descriptors: [third, fourth] })
  closeSync(third)
  closeSync(fourth)
  t.same(Object.keys(container.report().fds), ['0', '1', '2', '3'])
  t.equal(readFileSync(scope.path('third'), 'utf8'), 'hello')
})

test('the program has no descriptors but its standard streams', (t, scope) => {
  const leaked = openSync(scope.path('leaked'), 'w')
  const container = scope.container()
  container.run([], { descriptors: [leaked, leaked, leaked] })
  closeSync(leaked)
  t.same(Object.keys(container.report().fds), ['0', '1', '2'])
})

test(
  'a descriptor that is to be preserved and is not there is an error where a JavaScript runtime may have its number',
  (t, scope) => {
    const third = openSync(scope.path('third'), 'w')
    const container = scope.container()
    const { status, stdout, stderr } = container.run(['--preserve-fds', '2'], { descriptors: [third] })
    closeSync(third)
    t.equal(status, 1)
    t.equal(stdout, '')
    t.match(stderr, /preserved?[- ](fd|descriptor)/)
    t.same(scope.leftovers(), [])
  },
  { needs: ['dynamic'] },
)

test(
  'descriptors that are to be preserved and are not there are passed over, and nothing else gets their numbers',
  (t, scope) => {
    const container = scope.container((config) => {
      config.hooks = { startContainer: [{ path: '/bin/sh', args: ['sh', '-c', 'ls /proc/self/fd > /tmp/hook'] }] }
    })
    const script = 'exec 3< /dev/null 6< /etc/passwd 4<&- 5<&- 7<&-; exec "$@"'
    const args = (command: string) => [command, '--preserve-fds', '5', '--bundle', container.bundle.path, container.id]
    const { status, stdout, stderr } = scope.runner.runInShell(script, args('run'))
    t.match({ status, stderr }, { status: 0, stderr: '' })
    const { fds } = parseReport(stdout)
    t.same(Object.keys(fds), ['0', '1', '2', '3', '6'])
    t.match(fds['6'], /passwd$/)
    t.notMatch(
      readFileSync(join(container.bundle.rootfs, 'tmp/hook'), 'utf8'),
      /^[578]$/m,
      'but for 4, the listing’s own',
    )
  },
  { needs: ['static'] },
)

test('sockets of socket activation come first, and the program is told about them', (t, scope) => {
  const files = ['third', 'fourth', 'fifth'].map((name) => openSync(scope.path(name), 'w'))
  const container = scope.container()
  const script = 'LISTEN_PID=$$ LISTEN_FDS=2 exec "$@"'
  const args = ['run', '--bundle', container.bundle.path, '--preserve-fds=1', container.id]
  const { status, stdout } = scope.runner.runInShell(script, args, { descriptors: files })
  for (const fd of files) closeSync(fd)
  t.equal(status, 0)
  const { fds, env } = parseReport(stdout)
  t.same(Object.keys(fds), ['0', '1', '2', '3', '4', '5'])
  t.match(fds['5'], /fifth$/)
  t.ok(env.includes('LISTEN_FDS=2'))
  t.ok(env.includes('LISTEN_PID=1'))
})

test('sockets of socket activation that are meant for another process are not passed on', (t, scope) => {
  const third = openSync(scope.path('third'), 'w')
  const container = scope.container()
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LISTEN_PID: String(process.pid), LISTEN_FDS: '1' }
  container.run([], { descriptors: [third], env })
  closeSync(third)
  t.same(Object.keys(container.report().fds), ['0', '1', '2'])
  t.notOk(container.report().env.some((entry) => entry.startsWith('LISTEN_')))
})

test('a relative bundle and a program path with a slash start from where they should', (t, scope) => {
  const container = scope.container((config) => {
    config.process.cwd = '/bin'
    config.process.args = ['./busybox', 'touch', 'here']
  })
  const bundle = container.bundle.path
  const args = ['run', '--bundle', bundle.slice(bundle.lastIndexOf('/') + 1), container.id]
  t.match(scope.runtime(args, { cwd: scope.folder }), { status: 0, stderr: '' })
  t.ok(existsSync(join(container.bundle.rootfs, 'bin/here')))
})
