/** What is said about an error, on stderr and in the log. */
import t from 'tap'
import { describeError, formatReport } from '#dist/cli/report.js'
import { formatRecord } from '#dist/cli/log.js'
import { HookError, NotFoundError, StoreError, SyscallError } from '#dist/errors.js'

const create = { name: 'create', startsProcess: true }
const failedMount = (): SyscallError =>
  new SyscallError('mount "/proc": operation not permitted', {
    ...{ side: 'init', step: 'mount', syscall: 'fsmount', errno: 1, errnoName: 'EPERM', path: '/proc' },
  })

t.test('an error is one line with the name of the program in front', async (t) => {
  const report = describeError(new NotFoundError('web'), { name: 'state' })
  t.equal(formatReport(report, { debug: false }), 'tsrun: container "web" does not exist\n')
  t.same(report.fields, { code: 'ERR_TSRUN_NOT_FOUND' })
})

t.test('a container process that cannot be started is announced in the words callers look for', async (t) => {
  const report = describeError(failedMount(), create)
  t.equal(
    formatReport(report, { debug: false }),
    'tsrun create failed: unable to start container process: mount "/proc": operation not permitted\n',
  )
  t.same(report.fields, { code: 'ERR_TSRUN_SYSCALL', step: 'mount', errno: 1 })
  const hook = new HookError('hook failed', { hook: 'prestart', index: 0, path: '/hook' })
  t.match(describeError(hook, { name: 'run', startsProcess: true }).message, /^tsrun run failed: unable to start/)
})

t.test('other errors of create, and system calls of other commands, have no such words', async (t) => {
  t.equal(describeError(new StoreError('locked', '/run'), create).message, 'locked')
  t.notMatch(describeError(failedMount(), { name: 'kill' }).message, /unable to start/)
})

t.test('causes are part of the line and of the record', async (t) => {
  const report = describeError(new StoreError('cannot save', '/run', { cause: failedMount() }))
  t.equal(report.message, 'cannot save: mount "/proc": operation not permitted')
  t.same(report.fields, { code: 'ERR_TSRUN_STORE', step: 'mount', errno: 1 })
})

t.test('what failed while cleaning up is a line of its own', async (t) => {
  const error = new NotFoundError('web')
  error.suppressed.push(new Error('rmdir: busy'))
  t.equal(
    formatReport(describeError(error), { debug: false }),
    'tsrun: container "web" does not exist\nalso failed while cleaning up: rmdir: busy\n',
  )
})

t.test('control characters of a config or a hook neither break the line nor reach the terminal', async (t) => {
  const error = new StoreError('a\nb\tc\u001b[31m\u009bd\n', '/run')
  t.equal(describeError(error).message, 'a\\nb\\tc\\x1b[31m\\x9bd')
})

t.test('a stack trace is printed with --debug only, and what is a bug is called one', async (t) => {
  const report = describeError(new TypeError('x is undefined'))
  t.equal(report.message, 'internal error: x is undefined')
  t.notMatch(formatReport(report, { debug: false }), /report\.test/)
  t.match(formatReport(report, { debug: true }), /TypeError: x is undefined\n +at .*report\.test/)
  t.match(formatReport(report, { debug: false }), /^tsrun: .*\nhint: .*bug in tsrun.*\n$/)
  t.match(describeError('text').message, 'internal error: text')
})

t.test('records have the shapes that callers parse', async (t) => {
  const time = new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 6))
  const record = { level: 'error', message: 'a "b"', fields: { code: 'X', errno: 2 }, time } as const
  t.equal(
    formatRecord('json', record),
    '{"level":"error","msg":"a \\"b\\"","time":"2026-01-02T03:04:05.006Z","code":"X","errno":2}\n',
  )
  t.equal(
    formatRecord('text', record),
    'time="2026-01-02T03:04:05.006Z" level=error msg="a \\"b\\"" code="X" errno=2\n',
  )
})
