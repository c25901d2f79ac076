/** The runtime is killed by SIGKILL in the middle of its work: the container can still be deleted. */
import type { ChildProcess } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import type { Test } from 'tap'
import type { Change } from '../helpers/config.js'
import type { Container } from '../helpers/container.js'
import { awaitProcess } from '../helpers/peer.js'
import { ended, Lines } from '../helpers/runtime.js'
import type { Scope } from '../helpers/scope.js'
import { stoppedHook } from '../helpers/stopped-hook.js'
import { test } from '../helpers/test.js'

const waits: Change = (config) => {
  config.process.args = ['/probe', 'wait']
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await ended(child)
}

/** After that the container is known, can be deleted (without --force unless it runs), and nothing is left. */
function assertDeletable(t: Test, scope: Scope, container: Container, status: RegExp): void {
  const state = container.state()
  t.match(state.status, status)
  const { status: code, stderr } = container.delete(state.status === 'running' ? ['--force'] : [])
  t.same({ code, stderr }, { code: 0, stderr: '' })
  t.same(scope.leftovers(), [])
  t.match(scope.runtime(['state', container.id]), { status: 1, stderr: /does not exist/ })
}

for (const kind of ['prestart', 'createRuntime'] as const) {
  test(`create is killed while a ${kind} hook runs`, async (t, scope) => {
    const stop = stoppedHook(scope)
    const container = scope.container((config) => {
      waits(config)
      config.hooks = { [kind]: [stop.hook] }
    })
    const child = container.spawn('create')
    const hook = stop.reached()
    await kill(child)
    stop.release()
    awaitProcess(hook)
    assertDeletable(t, scope, container, /stopped|creating/)
  })
}

test('create is killed while a createContainer hook runs in the container', async (t, scope) => {
  const stop = stoppedHook(scope)
  const container = scope.container((config) => {
    waits(config)
    config.hooks = { createContainer: [stop.hook] }
  })
  const child = container.spawn('create')
  stop.reached()
  await kill(child)
  // Init learns of the runtime's end from its socket: whether it has ended yet is a race, and either is right.
  assertDeletable(t, scope, container, /stopped|creating/)
})

test('start is killed while a startContainer hook runs', async (t, scope) => {
  const container = scope.container(waits)
  const stop = stoppedHook(scope, container)
  container.bundle.config.hooks = { startContainer: [stop.hook] }
  container.rewrite()
  t.equal(container.create().status, 0)
  const child = scope.runner.spawn(['start', container.id])
  stop.reached()
  await kill(child)
  assertDeletable(t, scope, container, /created/)
})

test('start is killed while a poststart hook runs: the container runs, and is not created any more', async (t, scope) => {
  const stop = stoppedHook(scope)
  const container = scope.container((config) => {
    waits(config)
    config.hooks = { poststart: [stop.hook] }
  })
  t.equal(container.create().status, 0)
  const child = scope.runner.spawn(['start', container.id])
  const hook = stop.reached()
  await kill(child)
  stop.release()
  awaitProcess(hook)
  t.match(container.start(), { status: 1, stderr: /cannot start an already running container/ })
  assertDeletable(t, scope, container, /running/)
})

test('run in the foreground is killed: its container runs on', async (t, scope) => {
  const container = scope.container((config) => {
    config.process.args = ['/probe', 'signals']
  })
  const child = container.spawn('run')
  const lines = new Lines(child.stdout)
  await lines.next()
  t.equal(await lines.next(), 'ready')
  await kill(child)
  t.equal(container.state().status, 'running')
  t.equal(container.kill('USR1').status, 0)
  assertDeletable(t, scope, container, /running/)
})

test('delete is killed while a poststop hook runs: a second delete finishes', async (t, scope) => {
  const stop = stoppedHook(scope)
  const container = scope.container((config) => {
    config.hooks = { poststop: [stop.hook] }
  })
  container.create()
  const child = scope.runner.spawn(['delete', '--force', container.id])
  const hook = stop.reached()
  await kill(child)
  stop.release()
  awaitProcess(hook)
  t.ok(existsSync(`${scope.root}/${container.id}`))
  const again = scope.runner.spawn(['delete', '--force', container.id])
  stop.reached()
  stop.release()
  t.same(await ended(again), { status: 0, signal: null })
  t.same(scope.leftovers(), [])
})

test('delete --force ends a create that hangs in a hook', async (t, scope) => {
  const stop = stoppedHook(scope)
  const container = scope.container((config) => {
    config.hooks = { createRuntime: [stop.hook] }
  })
  const create = container.spawn('create')
  stop.reached()
  const remove = scope.runner.spawn(['delete', '--force', container.id])
  stop.release()
  t.equal((await ended(remove)).status, 0)
  t.not((await ended(create)).signal, 'SIGKILL')
  container.remove()
  t.same(scope.leftovers(), [])
})

test('when init is killed while create waits for it, create says so and leaves nothing', (t, scope) => {
  const script = 'pid=$(sed "s/.*\\"pid\\": *\\([0-9]*\\).*/\\1/"); kill -KILL $pid'
  const container = scope.container((config) => {
    const hook = { path: '/bin/sh', args: ['sh', '-c', script], env: [`PATH=${process.env.PATH ?? ''}`] }
    config.hooks = { createRuntime: [hook] }
  })
  const { status, stderr } = container.create()
  t.equal(status, 1)
  t.match(stderr, /init/)
  t.match(stderr, /signal 9|SIGKILL|killed|EOF|broken pipe|connection reset/)
  t.same(scope.leftovers(), [])
})

test('a create that was killed before it knew its bundle has left nothing', async (t, scope) => {
  const { bundle, id } = scope.container()
  scope.runner.runProgram('rm', [`${bundle.path}/config.json`])
  scope.runner.runProgram('mkfifo', [`${bundle.path}/config.json`])
  const child = scope.runner.spawn(['create', '--bundle', bundle.path, id])
  // Opening the fifo for writing waits until the runtime reads it; nothing but a blank is written.
  scope.runner.runProgram('sh', ['-c', `printf ' ' > ${bundle.path}/config.json`])
  await kill(child)
  t.same(scope.leftovers(), [])
  t.ok(readFileSync('/proc/self/mountinfo', 'utf8'))
})
