/** Global options --log, --log-format and --debug: what engines read when something fails. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Change } from '../helpers/config.js'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'

const records = (scope: Scope): { level: string; msg: string; time: string }[] =>
  readFileSync(scope.path('log'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { level: string; msg: string; time: string })

const json = (scope: Scope) => ({ globals: ['--log', scope.path('log'), '--log-format', 'json'] })

test('a command that fails leaves one error record in the log, and its message on stderr', (t, scope) => {
  const container = scope.container((config) => {
    config.process.args = ['/no/such/program']
  })
  const { status, stderr } = container.create([], json(scope))
  t.equal(status, 1)
  const log = records(scope)
  t.equal(log.filter(({ level }) => level === 'error').length, 1)
  const { level, msg, time } = log.at(-1)!
  t.equal(level, 'error')
  t.match(msg, /no such file or directory/)
  t.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*(Z|[+-]\d\d:\d\d)$/)
  t.match(stderr, /no such file or directory/)
})

test('the whole log of a failed command is one JSON object, as podman reads it', (t, scope) => {
  scope.runtime(['start', scope.newId()], json(scope))
  t.match(JSON.parse(readFileSync(scope.path('log'), 'utf8')), { level: 'error', msg: /does not exist/ })
})

test('the log is appended to, and what succeeds writes nothing', (t, scope) => {
  writeFileSync(scope.path('log'), '{"level":"info","msg":"before","time":""}\n')
  const container = scope.container()
  t.match(container.create([], json(scope)), { status: 0, stderr: '' })
  t.equal(records(scope).length, 1)
  scope.runtime(['state', scope.newId()], json(scope))
  t.same(
    records(scope).map(({ level }) => level),
    ['info', 'error'],
  )
})

test('the text format has level and message too', (t, scope) => {
  scope.runtime(['state', scope.newId()], { globals: ['--log', scope.path('log')] })
  t.match(readFileSync(scope.path('log'), 'utf8'), /level=error.*does not exist/)
})

test('with --debug more is logged, but stderr stays as it is', (t, scope) => {
  const container = scope.container()
  const globals = ['--log', scope.path('log'), '--log-format', 'json', '--debug']
  t.match(container.run([], { globals }), { status: 0, stderr: '' })
  t.ok(existsSync(scope.path('log')))
  t.ok(records(scope).some(({ level }) => level === 'debug'))
})

test('a log that cannot be opened, and a format that doesn’t exist, are errors', (t, scope) => {
  const { status, stderr } = scope.runtime(['list'], { globals: ['--log', scope.path('no/such/log')] })
  t.equal(status, 1)
  t.match(stderr, /no such file or directory/)
  t.match(scope.runtime(['list'], { globals: ['--log-format', 'nonsense'] }), {
    status: 1,
    stderr: /nonsense|log-format/,
  })
})

test(
  'with --log-level warning the log has warnings too, and a level that doesn’t exist is an error',
  (t, scope) => {
    const log = scope.path('log')
    const container = scope.container((config) => {
      config.process.capabilities = { bounding: ['CAP_NO_SUCH'] }
    })
    t.match(container.run([], { globals: ['--log', log, '--log-level', 'warning'] }), { status: 0, stderr: '' })
    t.match(readFileSync(log, 'utf8'), /^time=\S+ level=warning msg=.*CAP_NO_SUCH.*\n$/)
    const { status, stderr } = scope.runtime(['list'], { globals: ['--log-level', 'loud'] })
    t.same({ status, stderr }, { status: 1, stderr: 'tsrun: invalid log-level: loud\n' })
  },
  { needs: ['tsrun'] },
)

const warned: Change = (config) => {
  config.process.args = ['/bin/true']
  config.process.capabilities = { bounding: ['CAP_NO_SUCH'] }
  config.hooks = { poststop: [{ path: '/bin/false' }] }
}

test(
  'warnings that the specification asks for are shown without being asked for, and not with --log-level error',
  (t, scope) => {
    const { status, stderr } = scope.container(warned).run()
    t.equal(status, 0)
    t.match(stderr, /^time=\S+ level=warning msg=.*CAP_NO_SUCH.*\ntime=\S+ level=warning msg=.*poststop hook #0.*\n$/)
    t.match(scope.container(warned).run([], { globals: ['--log-level', 'error'] }), { status: 0, stderr: '' })
  },
  { needs: ['tsrun'] },
)

test(
  'with a log they are there after success, and a failure is still one record, with them in it',
  (t, scope) => {
    t.match(scope.container(warned).run([], json(scope)), { status: 0, stderr: '' })
    t.same(
      records(scope).map(({ level }) => level),
      ['warning', 'warning'],
    )
    rmSync(scope.path('log'))
    const failing = scope.container((config) => {
      warned(config)
      config.process.args = ['/no/such/program']
    })
    t.equal(failing.create([], json(scope)).status, 1)
    const record = JSON.parse(readFileSync(scope.path('log'), 'utf8')) as { level: string; warnings: string[] }
    t.match(record, { level: 'error', warnings: [/CAP_NO_SUCH/, /poststop/] })
  },
  { needs: ['tsrun'] },
)
