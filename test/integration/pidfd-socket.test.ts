/** Commands: --pidfd-socket. */
import { test } from '../helpers/test.js'

test('the pidfd socket receives a pidfd of the init process', async (t, scope) => {
  const container = scope.container()
  const peer = await scope.peer('pidfd', scope.path('socket'))
  t.match(container.create(['--pidfd-socket', scope.path('socket')]), { status: 0, stdout: '', stderr: '' })
  const { pid } = container.state()
  container.start()
  const report = await peer.report()
  t.equal(report.descriptors, 1)
  t.match(report.kind, /pidfd/)
  t.equal(report.pid, pid)
  t.equal(report.ended, true, 'it tells the end of the container')
})

test('a pidfd socket that nobody listens on makes create fail, with nothing left', (t, scope) => {
  const container = scope.container()
  t.match(container.create(['--pidfd-socket', scope.path('nowhere')]), { status: 1, stderr: /nowhere/ })
  t.same(scope.leftovers(), [])
})
