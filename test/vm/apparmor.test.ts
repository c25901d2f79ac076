/** AppArmor as a kernel with it enforces it, in a virtual machine: the label is what config.json says, or nothing runs. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Container } from '../helpers/container.js'
import type { Change } from '../helpers/config.js'
import type { Scope } from '../helpers/scope.js'
import { testWith } from '../helpers/test.js'

const test = testWith('apparmor', 'own-machine', 'tsrun')

/** Loads a profile under which all is permitted but to read /secret. */
function loadProfile(t: Test, scope: Scope, name: string): void {
  const rules = 'file, capability, mount, umount, pivot_root, signal, ptrace, network, unix, deny /secret r,'
  const path = scope.path(name)
  writeFileSync(path, `profile ${name} flags=(attach_disconnected) { ${rules} }\n`)
  const { status, stderr } = scope.runner.runProgram('apparmor_parser', ['--replace', '--skip-cache', path])
  t.equal(status, 0, stderr)
  scope.defer(() => scope.runner.runProgram('apparmor_parser', ['--remove', path]))
}

const script = 'cat /proc/self/attr/apparmor/current; cat /secret'

function confined(scope: Scope, profile: string, ...changes: Change[]): Container {
  const container = scope.container((config) => {
    config.process.apparmorProfile = profile
    config.process.args = ['/bin/sh', '-c', script]
    for (const change of changes) change(config)
  })
  writeFileSync(join(container.bundle.rootfs, 'secret'), 'secret\n')
  return container
}

const configurations: Record<string, Change[]> = {
  'nothing else': [],
  noNewPrivileges: [({ process }) => void (process.noNewPrivileges = true)],
  'a user': [({ process }) => void (process.user = { uid: 1000, gid: 1000 })],
  'a seccomp filter': [({ linux }) => void (linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [] })],
}

for (const [name, changes] of Object.entries(configurations)) {
  test(`with ${name}, the program has the profile, which is enforced`, (t, scope) => {
    loadProfile(t, scope, scope.word)
    const { stdout, stderr } = confined(scope, scope.word, ...changes).run()
    t.equal(stdout, `${scope.word} (enforce)\n`)
    t.match(stderr, /secret.*Permission denied/)
  })
}

test('without a profile the program is not confined', (t, scope) => {
  t.equal(confined(scope, '').run().stdout, 'unconfined\nsecret\n')
  t.equal(confined(scope, 'unconfined').run().stdout, 'unconfined\nsecret\n')
})

test('a profile that is not loaded is named, and nothing is left', (t, scope) => {
  const { status, stderr } = confined(scope, 'tsrun-nowhere').run()
  t.equal(status, 1)
  t.match(stderr, /no profile of this name is loaded: tsrun-nowhere/)
  t.same(scope.leftovers(), [])
})

test('exec has the profile of the config, or its own', (t, scope) => {
  const other = `${scope.word}-other`
  for (const name of [scope.word, other]) loadProfile(t, scope, name)
  const container = confined(scope, scope.word, ({ process }) => void (process.args = ['/bin/sleep', '1000']))
  t.equal(container.run(['--detach']).status, 0)
  const exec = (...flags: string[]): string =>
    scope.runtime(['exec', ...flags, container.id, '/bin/sh', '-c', script]).stdout
  t.equal(exec(), `${scope.word} (enforce)\n`)
  t.equal(exec('--apparmor', other), `${other} (enforce)\n`)
  t.equal(exec('--user', '1000'), `${scope.word} (enforce)\n`)
})
