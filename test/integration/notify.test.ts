/** sd_notify(3): a container tells the manager of the runtime that it is ready. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Change } from '../helpers/config.js'
import { parseReport, tried } from '../helpers/probe.js'
import { ended } from '../helpers/runtime.js'
import { test } from '../helpers/test.js'

const inside = '/run/notify/notify.sock'
const say = (text: string): string => `send ${inside} ${text}`

const probing =
  (...tries: readonly string[]): Change =>
  (config) => {
    config.process.args = ['/probe', ...tries]
  }

const manager = (socket: string): { env: Record<string, string> } => ({
  env: { PATH: '/usr/bin:/bin', NOTIFY_SOCKET: socket },
})

test('start returns when the container is ready and the manager knows its main process', async (t, scope) => {
  const socket = scope.path('manager')
  const peer = await scope.peer('notify', socket, '3')
  const container = scope.container(probing(say('STATUS=starting'), say('READY=1'), say('MAINPID=1'), 'wait'))
  t.equal(container.create([], manager(socket)).status, 0)
  const { pid } = container.state()
  const { status, stderr } = scope.runtime(['start', container.id], manager(socket))
  t.same({ status, stderr }, { status: 0, stderr: '' })
  t.match(await peer.report(), { messages: ['READY=1\n', `MAINPID=${pid}\n`, 'BARRIER=1'], descriptors: 1 })
})

test('the container finds its socket in the environment, in a directory that it cannot change', async (t, scope) => {
  const container = scope.container(probing('stat /run/notify', `stat ${inside}`, 'write /run/notify/new text'))
  t.equal(container.create([], manager(scope.path('manager'))).status, 0)
  t.equal(scope.runtime(['start', container.id], manager(scope.path('manager'))).status, 0)
  container.awaitEnd()
  const report = parseReport(container.output.stdout)
  t.ok(report.env.includes(`NOTIFY_SOCKET=${inside}`))
  t.equal(tried(report, `stat ${inside}`).mode, 0o777)
  t.equal(tried(report, 'write /run/notify/new text').error, 'EROFS')
  for (const flag of ['ro', 'nosuid', 'nodev', 'noexec']) {
    t.ok(report.mounts.find(({ point }) => point === '/run/notify')?.options.includes(flag), flag)
  }
})

test('start also returns when the container ends without having been ready', async (t, scope) => {
  const container = scope.container(probing(say('STATUS=no')))
  t.equal(container.create([], manager(scope.path('nobody'))).status, 0)
  t.equal(scope.runtime(['start', container.id], manager(scope.path('nobody'))).status, 0)
  t.equal(container.delete(['--force']).status, 0)
  t.notOk(existsSync(join(scope.root, container.id)))
})

test('run --detach waits for the container to be ready', async (t, scope) => {
  const socket = scope.path('manager')
  const peer = await scope.peer('notify', socket, '3')
  const container = scope.container(probing(say('READY=1'), 'wait'))
  t.equal(container.run(['--detach'], manager(socket)).status, 0)
  t.match(await peer.report(), { messages: ['READY=1\n', `MAINPID=${container.state().pid}\n`, 'BARRIER=1'] })
})

test('in the foreground the runtime stays the main process, and READY is passed on', async (t, scope) => {
  const socket = scope.path('manager')
  const peer = await scope.peer('notify', socket, '1')
  const container = scope.container(probing(say('READY=1'), 'wait'))
  const child = container.spawn('run', [], manager(socket))
  t.match(await peer.report(), { messages: ['READY=1\n'], descriptors: 0 })
  container.kill('KILL')
  t.same(await ended(child), { status: 137, signal: null })
})

test('without NOTIFY_SOCKET there is neither a mount nor a variable', (t, scope) => {
  const report = scope.probe()
  t.notOk(report.env.some((entry) => entry.startsWith('NOTIFY_SOCKET')))
  t.notOk(report.mounts.some(({ point }) => point.startsWith('/run')))
})
