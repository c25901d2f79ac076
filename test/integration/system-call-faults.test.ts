/** Single system calls of the runtime fail: what the command says is what has happened. */
import { existsSync } from 'node:fs'
import { calls, errnos, withFault, type Fault, type Faulted } from '../helpers/fault.js'
import { sleeper, running } from '../helpers/exec.js'
import type { Scope } from '../helpers/scope.js'
import { testWith } from '../helpers/test.js'

const test = testWith('tsrun', 'x86-64')

const failing = (
  name: keyof typeof calls,
  errno: keyof typeof errnos,
  more: { call?: number; path?: string } = {},
): Fault => ({
  mode: 'call',
  number: calls[name],
  errno: errnos[errno],
  ...more,
})

const create = (scope: Scope, fault: Fault): { id: string; result: Faulted } => {
  const { id, bundle } = scope.container(sleeper)
  return { id, result: withFault(scope, ['create', '--bundle', bundle.path, id], fault) }
}

test('a running container whose /proc/PID/stat cannot be read is not called stopped', (t, scope) => {
  const container = running(scope)
  const { pid } = container.state()
  const fault = failing('openat', 'EMFILE', { path: `/proc/${pid}/stat` })
  t.match(withFault(scope, ['state', container.id], fault), { status: 1, stdout: '', stderr: /too many open files/ })
  t.match(withFault(scope, ['delete', container.id], fault), { status: 1, stderr: /too many open files/ })
  t.equal(container.state().status, 'running')
})

test('a delete that cannot look at the state directory fails', (t, scope) => {
  const container = scope.container(sleeper)
  t.equal(container.create().status, 0)
  const fault = { ...failing('stat', 'EIO', { path: scope.word }) }
  const result = withFault(scope, ['delete', '--force', container.id], fault)
  if (result.report.number >= 0) t.match(result, { status: 1, stderr: /input\/output error/i })
  t.match(container.delete(['--force']), { status: 0, stderr: '' })
  t.same(scope.leftovers(), [])
})

test('a create that cannot copy a descriptor for init fails and leaves nothing', (t, scope) => {
  for (let call = 1; call <= 12; call++) {
    const { id, result } = create(scope, failing('fcntl', 'EMFILE', { call }))
    if (result.report.number < 0) return
    if (result.status === 0) t.match(scope.runtime(['state', id]).stdout, /"status": ?"created"/, `${call}`)
    else t.match(result.stderr, /^tsrun .*too many open files/i)
    t.equal(scope.runtime(['delete', '--force', id]).status, 0)
    t.same(scope.leftovers(), [])
  }
})

test('a create that cannot lock its directory leaves none', (t, scope) => {
  const { id, result } = create(scope, failing('flock', 'EIO'))
  t.match(result, { status: 1, stderr: /input\/output error/i })
  t.notOk(existsSync(`${scope.root}/${id}`))
  t.same(scope.leftovers(), [])
})

test('a start whose go cannot be sent leaves the container created, one whose answer cannot be read lets it run', (t, scope) => {
  const container = scope.container(sleeper)
  t.equal(container.create().status, 0)
  const unsent = withFault(scope, ['start', container.id], failing('sendto', 'EIO'))
  t.match(unsent, { status: 1, stderr: /send.*input\/output error/i })
  t.equal(container.state().status, 'created')
  const unheard = withFault(scope, ['start', container.id], failing('recvmsg', 'EIO'))
  t.match(unheard, { status: 1, stderr: /recvmsg.*input\/output error/i })
  t.ok(unheard.ms < 9000, 'it does not wait for an end that does not come')
  t.equal(container.state().status, 'running')
})

test('a start whose socket cannot be removed has started the container, and warns', (t, scope) => {
  const container = scope.container(sleeper)
  t.equal(container.create().status, 0)
  const result = withFault(scope, ['start', container.id], failing('unlink', 'EPERM', { path: 'start.sock' }))
  t.match(result, { status: 0, stderr: /level=warning .*start socket/ })
  t.equal(container.state().status, 'running')
})

test('an exec whose process cannot be announced says so, and leaves none', (t, scope) => {
  const container = running(scope)
  const fault = failing('sendmsg', 'EPERM')
  const result = withFault(scope, ['exec', container.id, '/bin/true'], fault)
  t.match(result, { status: 255, stderr: /sendmsg|init process ended/ })
  t.equal(result.report.name, 'tsrun-init')
  const { stdout } = scope.runtime(['ps', '--format', 'json', container.id])
  t.equal((JSON.parse(stdout) as number[]).length, 1)
})

test('a pause that fails half-way lets the container go on', (t, scope) => {
  const container = running(scope)
  for (let call = 1; call <= 40; call++) {
    const { status, report } = withFault(scope, ['pause', container.id], failing('read', 'EIO', { call }))
    t.equal(container.state().status, status === 0 ? 'paused' : 'running', `read ${call}`)
    if (report.number < 0) break
    scope.runtime(['resume', container.id])
  }
})

test('an exec that cannot wait for its process fails, instead of saying that it ended well', (t, scope) => {
  const container = running(scope)
  const fault: Fault = { mode: 'call', number: calls.poll, errno: errnos.ENOMEM }
  const result = withFault(scope, ['exec', container.id, '/bin/sleep', '1000'], fault)
  t.match(result, { status: 255, stderr: /poll.*cannot allocate memory/i })
  t.equal((JSON.parse(scope.runtime(['ps', '--format', 'json', container.id]).stdout) as number[]).length, 1)
})
