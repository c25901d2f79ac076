/** config.json: annotations of crun that change what the runtime does. */
import { existsSync, readFileSync } from 'node:fs'
import type { TestConfig } from '../helpers/config.js'
import type { Container } from '../helpers/container.js'
import { tried } from '../helpers/probe.js'
import { parseReport, type Report } from '../helpers/probe.js'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'

const needs = ['tsrun'] as const

/** The report of the probe in a container whose runtime has supplementary groups. */
function withGroups(scope: Scope, container: Container, ...command: string[]): Report {
  const line = scope.runner.commandLine([...command])
  const { status, stdout, stderr } = scope.runner.runProgram('setpriv', ['--groups', '4242,4243', '--', ...line])
  if (status !== 0) throw new Error(`${container.id}: ${stderr}`)
  return parseReport(stdout)
}

test(
  'run.oci.keep_original_groups leaves the process the groups of the caller, also in exec',
  (t, scope) => {
    const make = (annotations: Record<string, string>) =>
      scope.container((config) => {
        config.annotations = annotations
        config.process.user = { uid: 7, gid: 8, additionalGids: [9] }
      })
    const run = (container: Container) =>
      withGroups(scope, container, 'run', '--bundle', container.bundle.path, container.id).groups
    t.same(run(make({ 'run.oci.keep_original_groups': '1' })), [4242, 4243])
    t.same(run(make({})), [9], 'without the annotation they are gone')
    const container = make({ 'run.oci.keep_original_groups': '1' })
    container.bundle.config.process.args = ['/bin/sleep', '1000']
    container.rewrite()
    t.equal(container.run(['--detach']).status, 0)
    t.same(withGroups(scope, container, 'exec', container.id, '/probe').groups, [4242, 4243])
  },
  { needs },
)

const shell = (script: string) => ({ path: '/bin/sh', args: ['sh', '-c', script] })

test(
  'run.oci.hooks.stdout and stderr append what the hooks of the runtime say to files',
  (t, scope) => {
    const out = scope.path('out')
    const err = scope.path('err')
    const container = scope.container((config) => {
      config.annotations = { 'run.oci.hooks.stdout': out, 'run.oci.hooks.stderr': err }
      config.hooks = {
        prestart: [shell('echo prestart')],
        createRuntime: [shell('echo createRuntime; echo oops >&2')],
        poststart: [shell('echo poststart')],
        poststop: [shell('echo poststop')],
      }
    })
    t.match(container.run(), { status: 0, stderr: '' })
    t.equal(readFileSync(out, 'utf8'), 'prestart\ncreateRuntime\npoststart\npoststop\n')
    t.equal(readFileSync(err, 'utf8'), 'oops\n')
  },
  { needs },
)

test(
  'a file for the output of hooks that cannot be opened makes create fail, with nothing left',
  (t, scope) => {
    const container = scope.container((config) => {
      config.annotations = { 'run.oci.hooks.stdout': scope.path('nowhere/out') }
      config.hooks = { createRuntime: [shell('true')] }
    })
    t.match(container.create(), {
      status: 1,
      stderr: /createRuntime hook #0 .*nowhere\/out.*no such file or directory/,
    })
    t.same(scope.leftovers(), [])
  },
  { needs },
)

test(
  'run.oci.hooks: hooks of the container keep their output, with a warning',
  (t, scope) => {
    const out = scope.path('out')
    const container = scope.container((config) => {
      config.annotations = { 'run.oci.hooks.stdout': out }
      config.hooks = { createContainer: [shell('echo inside')] }
    })
    const { status, stderr } = container.run([], { globals: ['--debug'] })
    t.equal(status, 0)
    t.match(stderr, /run\.oci\.hooks have no effect on the output of createContainer hooks/)
    t.notOk(existsSync(out))
  },
  { needs },
)

test(
  'run.oci.pidfd_receiver receives a pidfd of the init process',
  async (t, scope) => {
    const socket = scope.path('socket')
    const container = scope.container((config) => (config.annotations = { 'run.oci.pidfd_receiver': socket }))
    const peer = await scope.peer('pidfd', socket)
    t.match(container.create(), { status: 0, stderr: '' })
    const { pid } = container.state()
    container.start()
    t.match(await peer.report(), { descriptors: 1, pid, ended: true })
  },
  { needs },
)

const filter = (config: TestConfig, names: string[], action: 'SCMP_ACT_NOTIFY' | 'SCMP_ACT_LOG') => {
  config.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names, action }] }
}

test(
  'run.oci.seccomp.receiver gets the listener of a filter without a listener path',
  async (t, scope) => {
    const socket = scope.path('socket')
    const peer = await scope.peer('seccomp', socket, 'errno=99', '1')
    const container = scope.container((config) => {
      config.process.args = ['/probe', 'mkdir /a']
      config.annotations = { 'run.oci.seccomp.receiver': socket }
      filter(config, ['mkdir'], 'SCMP_ACT_NOTIFY')
    })
    t.match(container.create(), { status: 0, stderr: '' })
    container.start()
    t.equal((await peer.report()).descriptors, 1)
    container.awaitEnd()
    t.equal(tried(container.report(), 'mkdir /a').errno, 99)
  },
  { needs: [...needs, 'x86-64'] },
)

test(
  'run.oci.seccomp_fail_unknown_syscall refuses a system call that nobody knows',
  (t, scope) => {
    const make = (annotations: Record<string, string>) =>
      scope.container((config) => {
        config.annotations = annotations
        filter(config, ['mkdir', 'no_such_call'], 'SCMP_ACT_LOG')
      })
    t.match(make({}).run(), { status: 0, stderr: '' })
    const stderr = /invalid config\.json: \/linux\/seccomp: .*no_such_call/
    t.match(make({ 'run.oci.seccomp_fail_unknown_syscall': '1' }).create(), { status: 1, stderr })
    t.same(scope.leftovers(), [])
  },
  { needs },
)

test(
  'an annotation whose effect would not be there is refused by its name',
  (t, scope) => {
    const container = scope.container((config) => (config.annotations = { 'run.oci.handler': 'wasm' }))
    t.match(container.create(), { status: 1, stderr: /\/annotations\/run\.oci\.handler: not supported: / })
    t.same(scope.leftovers(), [])
  },
  { needs },
)
