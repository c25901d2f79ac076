/** config.json: SCMP_ACT_NOTIFY, linux.seccomp.listenerPath and listenerMetadata. */
import { setNamespace, type Change } from '../helpers/config.js'
import { tried } from '../helpers/probe.js'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'

const MKDIR = 83
const needs = ['x86-64'] as const

const notify =
  (listenerPath: string, ...tries: string[]): Change =>
  (config) => {
    config.process.args = ['/probe', ...tries]
    config.annotations = { key: 'value' }
    config.linux.seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      listenerPath,
      listenerMetadata: 'some words',
      syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }],
    }
  }

/** Runs a probe whose calls of mkdir are answered by somebody else. */
const answered = (scope: Scope, answer: string, ...tries: string[]) => answeredIn(scope, undefined, answer, ...tries)

/** The same in a pid namespace that others are in. */
async function answeredIn(scope: Scope, pidNamespace: string | undefined, answer: string, ...tries: string[]) {
  const socket = scope.path(`socket-${scope.newId()}`)
  const peer = await scope.peer('seccomp', socket, answer, String(tries.length))
  const container = scope.container((config) => {
    notify(socket, ...tries)(config)
    if (pidNamespace !== undefined) setNamespace(config, 'pid', pidNamespace)
  })
  const created = container.create()
  if (created.status !== 0) throw new Error(created.stderr)
  const { pid } = container.state()
  container.start()
  const told = await peer.report()
  container.awaitEnd()
  return { container, pid, told, report: container.report() }
}

test(
  'the listener gets the calls and answers them',
  async (t, scope) => {
    const { told, report, pid } = await answered(scope, 'errno=99', 'mkdir /a', 'mkdir /b')
    t.equal(told.descriptors, 1)
    t.equal(told.calls?.length, 2)
    for (const call of told.calls ?? []) t.match(call, { number: MKDIR, pid })
    t.equal(tried(report, 'mkdir /a').errno, 99)
    t.equal(tried(report, 'mkdir /b').errno, 99)
  },
  { needs },
)

test(
  'the listener is told of the process that has been forked into a joined pid namespace',
  async (t, scope) => {
    const holder = scope.container((config) => {
      config.process.args = ['/probe', 'wait']
    })
    t.equal(holder.run(['--detach']).status, 0)
    const { told, pid } = await answeredIn(scope, `/proc/${holder.state().pid}/ns/pid`, 'errno=99', 'mkdir /a')
    t.equal(told.calls?.length, 1)
    t.match(told.calls, [{ number: MKDIR, pid }])
    t.match(JSON.parse(told.message), { pid, state: { pid } })
  },
  { needs },
)

test(
  'a listener may ask that only a fatal signal ends the wait for its answer',
  async (t, scope) => {
    const socket = scope.path('socket')
    const peer = await scope.peer('seccomp', socket, 'errno=99', '1')
    const container = scope.container((config) => {
      notify(socket, 'mkdir /a')(config)
      Object.assign(config.linux.seccomp ?? {}, { flags: ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'] })
    })
    t.match(container.complete(), { status: 0, stderr: '' })
    t.equal((await peer.report()).calls?.length, 1)
    t.equal(tried(container.report(), 'mkdir /a').errno, 99)
  },
  { needs },
)

test(
  'the listener can make up a result, or let the call go on',
  async (t, scope) => {
    const made = await answered(scope, 'value=42', 'mkdir /a')
    t.equal(tried(made.report, 'mkdir /a').result, 42)
    const passed = await answered(scope, 'continue', 'mkdir /a')
    t.equal(tried(passed.report, 'mkdir /a').result, 0)
  },
  { needs },
)

interface ProcessState {
  fds: string[]
  pid: number
  metadata: string
  state: { status: string; id: string; pid: number; bundle: string; annotations: Record<string, string> }
}

test(
  'with the listener come the metadata and the state of the container',
  async (t, scope) => {
    const { told, container, pid } = await answered(scope, 'errno=1', 'mkdir /a')
    const message = JSON.parse(told.message) as ProcessState
    t.match(message, { fds: ['seccompFd'], pid, metadata: 'some words' })
    const { id, bundle } = container
    t.match(message.state, { id, pid, status: 'creating', bundle: bundle.path, annotations: { key: 'value' } })
  },
  { needs },
)

test(
  'a listenerPath that nobody listens on makes create fail, with nothing left',
  (t, scope) => {
    const { status, stderr } = scope.container(notify(scope.path('nowhere'), 'mkdir /a')).create()
    t.equal(status, 1)
    t.match(stderr, /nowhere/)
    t.same(scope.leftovers(), [])
  },
  { needs },
)

test(
  'a listenerPath without a rule that notifies is not used',
  (t, scope) => {
    const report = scope.probe((config) => {
      const rule = { names: ['mkdir'], action: 'SCMP_ACT_ERRNO' as const }
      config.linux.seccomp = {
        ...{ defaultAction: 'SCMP_ACT_ALLOW', listenerPath: scope.path('nowhere'), syscalls: [rule] },
      }
    }, 'mkdir /a')
    t.equal(tried(report, 'mkdir /a').error, 'EPERM')
  },
  { needs },
)

test(
  'SCMP_ACT_NOTIFY without a listener, as default, or for write is refused',
  (t, scope) => {
    const rule = { names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' as const }
    const listenerPath = scope.path('nowhere')
    const bad = [
      { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule] },
      { defaultAction: 'SCMP_ACT_NOTIFY', listenerPath },
      { defaultAction: 'SCMP_ACT_ALLOW', listenerPath, syscalls: [{ ...rule, names: ['write'] }] },
    ] as const
    for (const seccomp of bad) {
      const container = scope.container((config) => {
        config.linux.seccomp = seccomp as never
      })
      t.match(container.create(), { status: 1, stderr: /SCMP_ACT_NOTIFY|listener/i })
    }
    t.same(scope.leftovers(), [])
  },
  { needs },
)
