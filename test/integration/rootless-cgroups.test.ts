/** An ordinary user and cgroups: with some that were delegated to it, and without. */
import { chownSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { groupOf, hierarchyOf, readGroup, unifiedMount } from '../helpers/cgroups.js'
import type { Change } from '../helpers/config.js'
import { delegated } from '../helpers/delegation.js'
import { testWith } from '../helpers/test.js'
import { User } from '../helpers/user.js'

const test = testWith('user-namespaces', 'tsrun')

const waits: Change = (config) => {
  config.process.args = ['/probe', 'wait']
}

const limited: Change = (config) => {
  waits(config)
  config.linux.resources = { pids: { limit: 17 } }
}

test(
  'without delegation a user’s container without limits stays in the user’s cgroups',
  (t, scope) => {
    const user = new User(scope)
    const container = user.container(waits)
    t.match(container.run(['--detach']), { status: 0, stderr: '' })
    t.equal(groupOf(container.state().pid, ''), groupOf(process.pid, ''))
    t.match(user.runtime(['pause', container.id]), { status: 1, stderr: /no cgroup that can be frozen/ })
    t.match(user.runtime(['update', '--pids-limit', '5', container.id]), { status: 1, stderr: /cgroup/ })
    t.match(user.runtime(['delete', '--force', container.id]), { status: 0, stderr: '' })
  },
  { needs: ['cgroup-unified'] },
)

test(
  '--rootless=false does not tolerate that there is no cgroup',
  (t, scope) => {
    const user = new User(scope)
    const container = user.container(waits)
    t.match(container.create([], { globals: ['--rootless=false'] }), { status: 1, stderr: /permission denied/ })
    t.match(container.create([], { globals: ['--rootless=true'] }), { status: 0, stderr: '' })
  },
  { needs: ['cgroup-unified'] },
)

test(
  'without delegation a limit is an error that names it',
  (t, scope) => {
    const user = new User(scope)
    const { status, stderr } = user.container(limited).create()
    t.equal(status, 1)
    t.match(
      stderr,
      /cannot set pids\.max \(linux\.resources\): mkdir ".*": permission denied; .* delegated to the user/,
    )
  },
  { needs: ['cgroup:pids'] },
)

test(
  'without delegation cgroupsPath is an error that names it',
  (t, scope) => {
    const user = new User(scope)
    const container = user.container((config) => {
      config.linux.cgroupsPath = `/${scope.word}`
    })
    t.match(container.create(), {
      status: 1,
      stderr: /cannot use cgroupsPath "\/.*\(linux\.cgroupsPath\): .*permission denied/,
    })
  },
  { needs: ['cgroup-unified'] },
)

test(
  'in a delegated cgroup a user’s container has one of its own: it can be paused, counted and killed as a whole',
  (t, scope) => {
    const user = delegated(scope, [''])
    const container = user.container((config) => {
      config.process.args = ['/bin/sh', '-c', '/bin/sleep 1000 & exec /bin/sleep 1000']
    })
    t.match(container.run(['--detach']), { status: 0, stderr: '' })
    const group = groupOf(container.state().pid, '')
    t.equal(dirname(group), `${unifiedMount()}/${scope.word}-delegated`)
    t.equal(basename(group), container.id)
    t.match(user.runtime(['exec', '--detach', container.id, '/bin/sleep', '1000']), { status: 0, stderr: '' })
    const pids = JSON.parse(user.runtime(['ps', '--format', 'json', container.id]).stdout) as number[]
    t.same(
      pids,
      readGroup(group, 'cgroup.procs')
        .split('\n')
        .map(Number)
        .sort((one, other) => one - other),
    )
    t.match(user.runtime(['pause', container.id]), { status: 0, stderr: '' })
    t.equal(container.state().status, 'paused')
    t.match(readGroup(group, 'cgroup.events'), /frozen 1/)
    t.match(user.runtime(['resume', container.id]), { status: 0, stderr: '' })
    t.match(container.kill('KILL', ['--all']), { status: 0, stderr: '' })
    container.awaitEnd()
    t.match(container.delete(), { status: 0, stderr: '' })
  },
  { needs: ['cgroup-unified'] },
)

for (const [controller, limits, legacy, unified] of [
  ['pids', { pids: { limit: 17 } }, 'pids.max', 'pids.max'],
  ['memory', { memory: { limit: 64 << 20 } }, 'memory.limit_in_bytes', 'memory.max'],
] as const) {
  test(
    `in a delegated cgroup a user may limit ${controller}`,
    (t, scope) => {
      const user = delegated(scope, [controller])
      const container = user.container((config) => {
        waits(config)
        config.linux.resources = limits
      })
      t.match(container.run(['--detach']), { status: 0, stderr: '' })
      const group = groupOf(container.state().pid, controller)
      const file = hierarchyOf(controller)?.version === 2 ? unified : legacy
      t.equal(readGroup(group, file), String('pids' in limits ? limits.pids.limit : limits.memory.limit))
      t.match(user.runtime(['exec', container.id, '/bin/true']), { status: 0, stderr: '' })
      const changed = controller === 'pids' ? ['--pids-limit', '23'] : ['--memory', '32m']
      t.match(user.runtime(['update', ...changed, container.id]), { status: 0, stderr: '' })
      t.equal(readGroup(group, file), controller === 'pids' ? '23' : String(32 << 20))
      t.match(container.kill('KILL'), { status: 0, stderr: '' })
      container.awaitEnd()
      t.match(container.delete(), { status: 0, stderr: '' })
    },
    { needs: [`cgroup:${controller}`] },
  )
}

test(
  'a cgroup above the user’s process that is not the user’s is an error that says what that takes',
  (t, scope) => {
    const user = delegated(scope, [''])
    chownSync(`${unifiedMount()}/${scope.word}-delegated/cgroup.procs`, 0, 0)
    t.match(user.container().create(), {
      status: 1,
      stderr: /clone3: permission denied: .* cgroup\.procs of the cgroup above both/,
    })
  },
  { needs: ['cgroup-unified'] },
)

test(
  'exec from outside of the delegated cgroup is an error that says what that takes',
  (t, scope) => {
    const container = delegated(scope, ['']).container(waits)
    t.match(container.run(['--detach']), { status: 0, stderr: '' })
    const outside = new User(scope)
    t.match(outside.runtime(['exec', container.id, '/bin/true']), {
      status: 255,
      stderr: /clone3: permission denied: .* cgroup\.procs of the cgroup above both/,
    })
    t.equal(container.state().status, 'running')
  },
  { needs: ['cgroup-unified'] },
)
