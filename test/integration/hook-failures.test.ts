/** config.json: hooks that fail, are killed, or take too long. */
import { existsSync } from 'node:fs'
import type { Change, TestConfig } from '../helpers/config.js'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'

const shell = (script: string, timeout?: number) => ({
  path: '/bin/sh',
  args: ['sh', '-c', script],
  env: ['PATH=/usr/bin:/bin'],
  ...(timeout === undefined ? {} : { timeout }),
})

type Kind = keyof NonNullable<TestConfig['hooks']>

const failing = 'echo out of luck; echo twice >&2; exit 3'

/** A container with one hook, and poststop hooks that tell that they ran. */
const withHook =
  (scope: Scope, kind: Kind, hook: ReturnType<typeof shell>): Change =>
  (config) => {
    config.process.args = ['/probe', 'wait']
    const poststop = [shell(`touch ${scope.path('poststop')}`)]
    config.hooks = kind === 'poststop' ? { poststop: [hook, ...poststop] } : { [kind]: [hook], poststop }
  }

for (const kind of ['prestart', 'createRuntime', 'createContainer'] as const) {
  test(`a ${kind} hook that fails makes create fail, says why, and leaves nothing`, (t, scope) => {
    const container = scope.container(withHook(scope, kind, shell(failing)))
    const { status, stdout, stderr } = container.create()
    t.equal(status, 1)
    t.equal(stdout, '')
    t.match(stderr, /exit status 3/)
    t.match(stderr, /out of luck/)
    t.match(stderr, /twice/)
    t.match(stderr, /hook #0/)
    t.same(scope.leftovers(), [])
  })
}

test('when create fails in a hook, the poststop hooks run: config.md, lifecycle, steps 12 and 13', (t, scope) => {
  for (const kind of ['prestart', 'createRuntime', 'createContainer'] as const) {
    scope.container(withHook(scope, kind, shell(failing))).create()
    t.ok(existsSync(scope.path('poststop')), kind)
    scope.runner.runProgram('rm', [scope.path('poststop')])
  }
})

test('a startContainer hook that fails makes start fail, and the container is stopped', (t, scope) => {
  const container = scope.container(withHook(scope, 'startContainer', shell(failing)))
  t.equal(container.create().status, 0)
  const { status, stderr } = container.start()
  t.equal(status, 1)
  t.match(stderr, /startContainer hook #0/)
  t.match(stderr, /out of luck/)
  t.equal(container.state().status, 'stopped')
  t.equal(container.delete().status, 0)
  t.ok(existsSync(scope.path('poststop')))
})

test('a poststart hook that fails makes start fail, and the container is gone, by way of its poststop hooks', (t, scope) => {
  const container = scope.container(withHook(scope, 'poststart', shell(failing)))
  t.equal(container.create().status, 0)
  const { pid } = container.state()
  const { status, stderr } = container.start()
  t.equal(status, 1)
  t.match(stderr, /poststart hook #0.*out of luck/s)
  t.ok(pid > 0)
  t.ok(existsSync(scope.path('poststop')))
  t.match(scope.runtime(['state', container.id]), { status: 1, stderr: /does not exist/ })
  t.same(scope.leftovers(), [])
})

test('when a hook of start fails under run, nothing is left', (t, scope) => {
  for (const kind of ['startContainer', 'poststart'] as const) {
    const { status, stderr } = scope.container(withHook(scope, kind, shell(failing))).run()
    t.equal(status, 1, kind)
    t.match(stderr, /out of luck/)
    t.same(scope.leftovers(), [])
  }
})

test('a poststop hook that fails does not keep delete from its work, nor the hooks after it', (t, scope) => {
  const container = scope.container(withHook(scope, 'poststop', shell(failing)))
  container.create()
  const { status } = container.delete(['--force'])
  t.equal(status, 0)
  t.same(scope.leftovers(), [])
  t.ok(existsSync(scope.path('poststop')), 'the next hook has run')
})

test('the hooks after a failing one do not run', (t, scope) => {
  const container = scope.container((config) => {
    const touch = (name: string) => shell(`touch ${scope.path(name)}`)
    config.hooks = { prestart: [touch('a'), shell(failing), touch('b')], createContainer: [touch('c')] }
  })
  t.equal(container.create().status, 1)
  t.same(
    ['a', 'b', 'c'].map((name) => existsSync(scope.path(name))),
    [true, false, false],
  )
})

test('a hook that cannot be executed is an error that names it', (t, scope) => {
  for (const kind of ['createRuntime', 'createContainer', 'startContainer'] as const) {
    const hook = { path: '/no/such/hook', args: ['hook'], env: [] }
    const { status, stderr } = scope.container(withHook(scope, kind, hook)).run()
    t.equal(status, 1, kind)
    t.match(stderr, /\/no\/such\/hook/)
    t.match(stderr, /no such file or directory|ENOENT/i)
    t.same(scope.leftovers(), [])
  }
})

test('a hook that is killed by a signal is an error that names the signal', (t, scope) => {
  for (const kind of ['createRuntime', 'createContainer'] as const) {
    const { status, stderr } = scope.container(withHook(scope, kind, shell('kill -SEGV $$'))).run()
    t.equal(status, 1, kind)
    t.match(stderr, /signal (SIGSEGV|11)|segmentation fault/)
    t.same(scope.leftovers(), [])
  }
})

test('a hook that is not ready within its timeout is killed, and that is an error', (t, scope) => {
  const forever = scope.path('forever')
  scope.runner.runProgram('mkfifo', [forever])
  for (const kind of ['createRuntime', 'createContainer'] as const) {
    const hook = shell(`echo waiting; read line < ${forever}`, 1)
    const { status, stderr, ms } = scope.container(withHook(scope, kind, hook)).run()
    t.equal(status, 1, kind)
    t.match(stderr, /ran past/)
    t.ok(ms >= 1000, 'it had its time')
    t.same(scope.leftovers(), [])
  }
})
