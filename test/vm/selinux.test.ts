/** SELinux with a small policy of its own (test/data/selinux.cil), enforced, in a virtual machine. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Change } from '../helpers/config.js'
import type { Container } from '../helpers/container.js'
import type { Scope } from '../helpers/scope.js'
import { testWith } from '../helpers/test.js'
import { projectRoot } from '../helpers/tools.js'

const test = testWith('selinux', 'own-machine', 'tsrun')

/** Of the whole machine, which has no other: once for all tests. */
function loadPolicy(scope: Scope): void {
  const policy = scope.path('policy')
  const source = join(projectRoot, 'test/data/selinux.cil')
  const version = readFileSync('/sys/fs/selinux/policyvers', 'utf8').trim()
  const { status, stderr } = scope.runner.runProgram('secilc', [
    ...['-M', 'false', '-c', version, '-o', policy, '-f', '/dev/null', source],
  ])
  if (status !== 0) throw new Error(stderr)
  writeFileSync('/sys/fs/selinux/load', readFileSync(policy))
  writeFileSync('/sys/fs/selinux/enforce', '1')
}

const script = "tr '\\0' '\\n' < /proc/self/attr/current; echo; grep ' /data ' /proc/self/mountinfo; true"

function labelled(scope: Scope, ...changes: Change[]): Container {
  loadPolicy(scope)
  return scope.container((config) => {
    config.process.selinuxLabel = 'u:r:container_t'
    config.process.args = ['/bin/sh', '-c', script]
    for (const change of changes) change(config)
  })
}

test('the program has the label', (t, scope) => {
  t.match(labelled(scope).run(), { status: 0, stdout: /^u:r:container_t\n/ })
  const user: Change = ({ process }) => void (process.user = { uid: 1000, gid: 1000 })
  t.match(labelled(scope, user).run(), { status: 0, stdout: /^u:r:container_t\n/ })
})

test('mounts of the container have the label of linux.mountLabel', (t, scope) => {
  const container = labelled(scope, (config) => {
    config.linux.mountLabel = 'u:object_r:mounted_t'
    config.mounts.push({ destination: '/data', type: 'tmpfs', source: 'tmpfs' })
  })
  const { status, stdout, stderr } = container.run()
  t.equal(status, 0, stderr)
  t.match(stdout, /tmpfs .*context=u:object_r:mounted_t/)
})

test('a label that the policy does not permit, or does not know, is an error, and nothing is left', (t, scope) => {
  for (const label of ['u:r:denied_t', 'u:r:unknown_t', 'nonsense']) {
    const { status, stderr } = labelled(scope, ({ process }) => void (process.selinuxLabel = label)).run()
    t.equal(status, 1)
    t.match(stderr, label === 'u:r:denied_t' ? /permission denied/i : `the policy has no such label: ${label}`)
    t.same(scope.leftovers(), [])
  }
})

test('exec has the label of the config, or its own', (t, scope) => {
  const container = labelled(scope, ({ process }) => void (process.args = ['/bin/sleep', '1000']))
  t.equal(container.run(['--detach']).status, 0)
  const exec = (...flags: string[]): string =>
    scope.runtime(['exec', ...flags, container.id, '/bin/sh', '-c', script]).stdout
  t.match(exec(), /^u:r:container_t\n/)
  t.match(exec('--process-label', 'u:r:kernel_t'), /^u:r:kernel_t\n/)
})
