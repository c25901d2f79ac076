/** Commands: create and start. */
import { existsSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseReport } from '../helpers/probe.js'
import { test } from '../helpers/test.js'

const ok = { status: 0, stdout: '', stderr: '' }
const outcome = ({ status, stdout, stderr }: { status: number | null; stdout: string; stderr: string }) => ({
  status,
  stdout,
  stderr,
})

test('a container goes from created over running to stopped, and then it is gone', (t, scope) => {
  const container = scope.container((config) => {
    config.process.args = ['/probe', 'wait']
  })
  t.same(outcome(container.create()), ok)
  const created = container.state()
  t.equal(created.status, 'created')
  t.ok(created.pid > 0)
  t.same(outcome(container.start()), ok)
  const running = container.state()
  t.equal(running.status, 'running')
  t.equal(running.pid, created.pid, 'start executes the program in the process that create has made')
  t.same(outcome(container.kill('TERM')), ok)
  container.awaitEnd()
  const stopped = container.state()
  t.equal(stopped.status, 'stopped')
  t.same(outcome(container.delete()), ok)
  t.match(scope.runtime(['state', container.id]), { status: 1, stderr: /does not exist/ })
})

test('create leaves the program waiting: nothing of it has run before start', (t, scope) => {
  const container = scope.container((config) => {
    config.process.args = ['/probe', 'write /ran yes']
  })
  container.create()
  const ran = join(container.bundle.rootfs, 'ran')
  t.notOk(existsSync(ran))
  container.start()
  container.awaitEnd()
  t.ok(existsSync(ran))
})

test('later changes of the bundle don’t change a created container', (t, scope) => {
  const container = scope.container((config) => {
    config.process.args = ['/probe', 'wait']
    config.process.env.push('FROM=create')
  })
  container.create()
  container.bundle.config.process.env = ['FROM=later']
  container.rewrite()
  container.start()
  const { pid } = container.state()
  t.match(readFileSync(`/proc/${pid}/environ`, 'utf8'), /FROM=create/)
})

test('start returns when the program is executed', (t, scope) => {
  const container = scope.container((config) => {
    config.process.args = ['/probe', 'wait']
  })
  container.create()
  container.start()
  const { pid } = container.state()
  t.match(readlinkSync(`/proc/${pid}/exe`), /\/probe$/)
  t.equal(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0], '/probe')
})

test('a second start, and a start of a stopped container, are refused', (t, scope) => {
  const container = scope.container((config) => {
    config.process.args = ['/probe', 'wait']
  })
  container.create()
  container.start()
  t.match(container.start(), { status: 1, stdout: '', stderr: /cannot start an already running container/ })
  t.equal(container.state().status, 'running', 'and the container still runs')
  container.kill('KILL')
  container.awaitEnd()
  t.match(container.start(), { status: 1, stdout: '', stderr: /cannot start a container that has stopped/ })
  t.match(scope.runtime(['start', scope.newId()]), { status: 1, stderr: /does not exist/ })
})

test('a container whose init was killed before start is stopped and can be deleted', (t, scope) => {
  const container = scope.container()
  container.create()
  t.equal(container.kill('KILL').status, 0)
  container.awaitEnd()
  t.equal(container.state().status, 'stopped')
  t.match(container.start(), { status: 1, stderr: /cannot start a container that has stopped/ })
  t.equal(container.delete().status, 0)
})

test('an id is taken until its container is deleted', (t, scope) => {
  const container = scope.container()
  container.create()
  t.match(container.create(), { status: 1, stderr: /already exists/ })
  t.equal(container.state().status, 'created', 'the first one is not disturbed')
  container.delete(['--force'])
  t.equal(container.create().status, 0)
})

test('the pid file holds the pid without a newline, and replaces what was there', (t, scope) => {
  const container = scope.container()
  const pidFile = scope.path('pid')
  writeFileSync(pidFile, 'something longer than a process id\n')
  container.create(['--pid-file', pidFile])
  t.equal(readFileSync(pidFile, 'utf8'), String(container.state().pid))
})

test('the pid file is made anew and renamed into place: a link there is replaced, not followed', (t, scope) => {
  const container = scope.container()
  writeFileSync(scope.path('other'), 'untouched')
  symlinkSync('other', scope.path('pid'))
  container.create([`--pid-file=${scope.path('pid')}`])
  t.equal(readFileSync(scope.path('other'), 'utf8'), 'untouched')
  t.equal(readFileSync(scope.path('pid'), 'utf8'), String(container.state().pid))
})

test('the bundle is the current directory unless one is named', (t, scope) => {
  const { bundle, id } = scope.container()
  t.equal(scope.runtime(['create', id], { cwd: bundle.path }).status, 0)
  const state = JSON.parse(scope.runtime(['state', id]).stdout) as { bundle: string; rootfs: string }
  t.equal(state.bundle, bundle.path)
  t.equal(state.rootfs, bundle.rootfs)
})

test('everything works with an empty environment', (t, scope) => {
  const container = scope.container((config) => {
    config.process.args = ['/probe', 'wait']
  })
  const options = { env: {}, cwd: '/' }
  t.equal(container.create([], options).status, 0)
  for (const args of [['start'], ['state'], ['kill'], ['delete', '--force']]) {
    t.equal(scope.runtime([...args, container.id], options).status, 0, args.join(' '))
  }
})

test('no environment of the runtime reaches the program', (t, scope) => {
  const container = scope.container()
  const { stdout } = container.run([], { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', SECRET: 'x', HOME: '/h' } })
  t.same(parseReport(stdout).env, ['PATH=/bin', 'HOME=/root'].slice(0, 1).concat('HOME=/'))
})
