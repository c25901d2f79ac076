/** Commands: pause and resume, and what a paused container does. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runOnlyV1, unifiedCgroup } from '../helpers/cgroup.js'
import type { Change } from '../helpers/config.js'
import { ended, Lines } from '../helpers/runtime.js'
import { test } from '../helpers/test.js'

const waits: Change = (config) => {
  config.process.args = ['/probe', 'wait']
}

test(
  'pause returns when all processes stand still, and resume lets them go on',
  async (t, scope) => {
    const container = scope.container((config) => {
      config.process.args = ['/probe', 'signals']
    })
    const child = container.spawn('run')
    const lines = new Lines(child.stdout)
    await lines.next()
    t.equal(await lines.next(), 'ready')
    const events = join(unifiedCgroup(container.state().pid), 'cgroup.events')
    t.match(scope.runtime(['pause', container.id]), { status: 0, stdout: '', stderr: '' })
    t.match(readFileSync(events, 'utf8'), /^frozen 1$/m)
    t.equal(container.state().status, 'paused')
    t.match(scope.runtime(['list']).stdout, / paused /)
    t.equal(container.kill('USR1').status, 0)
    t.match(scope.runtime(['resume', container.id]), { status: 0, stdout: '', stderr: '' })
    t.equal(container.state().status, 'running')
    t.equal(await lines.next(), '10', 'the signal has waited')
    container.kill('TERM')
    await ended(child)
  },
  { needs: ['tsrun', 'cgroup-unified'] },
)

test('what is not running cannot be paused, and what is not paused cannot be resumed', (t, scope) => {
  const container = scope.container(waits)
  container.create()
  container.start()
  t.match(scope.runtime(['resume', container.id]), { status: 1, stdout: '', stderr: /container not paused/ })
  scope.runtime(['pause', container.id])
  t.match(scope.runtime(['pause', container.id]), { status: 1, stdout: '', stderr: /container not running/ })
  t.equal(container.state().status, 'paused')
  t.match(container.delete(), { status: 1, stderr: /is not stopped: paused/ })
  container.kill('KILL')
  container.awaitEnd()
  t.equal(container.state().status, 'stopped')
  t.match(scope.runtime(['pause', container.id]), { status: 1, stderr: /container not running/ })
  t.match(scope.runtime(['resume', container.id]), { status: 1, stderr: /container not paused/ })
  t.match(scope.runtime(['pause', 'nobody']), { status: 1, stderr: /does not exist/ })
})

test('a created container can be paused; it starts when it has been resumed', (t, scope) => {
  const container = scope.container(waits)
  container.create()
  t.equal(scope.runtime(['pause', container.id]).status, 0)
  t.equal(container.state().status, 'paused')
  t.match(container.start(), { status: 1, stderr: /cannot start a container in the paused state/ })
  t.equal(scope.runtime(['resume', container.id]).status, 0)
  t.equal(container.state().status, 'created')
  t.equal(container.start().status, 0)
})

test('a paused container can be deleted with force', (t, scope) => {
  const container = scope.container(waits)
  container.create()
  container.start()
  scope.runtime(['pause', container.id])
  t.equal(container.delete(['--force']).status, 0)
})

test(
  'on cgroup v1 alone the freezer does it, and SIGKILL thaws',
  (t, scope) => {
    for (const end of ['kill', 'delete'] as const) {
      const container = scope.container(waits)
      const { status, stderr } = runOnlyV1(scope, ['run', '--detach', '--bundle', container.bundle.path, container.id])
      t.same({ status, stderr }, { status: 0, stderr: '' })
      t.equal(scope.runtime(['pause', container.id]).status, 0)
      t.equal(container.state().status, 'paused')
      t.equal(scope.runtime(['resume', container.id]).status, 0)
      t.equal(container.state().status, 'running')
      t.equal(scope.runtime(['pause', container.id]).status, 0)
      if (end === 'kill') {
        t.equal(container.kill('KILL').status, 0)
        container.awaitEnd()
        t.equal(container.state().status, 'stopped')
      }
      t.equal(container.delete(['--force']).status, 0)
    }
  },
  { needs: ['tsrun', 'cgroup-unified', 'cgroup-v1'] },
)
