/** config.json: memory limits that leave next to nothing for the runtime. */
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { groupOf, hierarchyOf, readGroup } from '../helpers/cgroups.js'
import type { Change } from '../helpers/config.js'
import type { Container } from '../helpers/container.js'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'
import { tool } from '../helpers/tools.js'

const within =
  (limit: number, ...args: string[]): Change =>
  (config) => {
    config.process.args = args
    config.linux.resources = { memory: { limit } }
  }

/** A container whose program needs next to nothing itself. */
function small(scope: Scope, change: Change): Container {
  const container = scope.container(change)
  copyFileSync(tool('small'), join(container.bundle.rootfs, 'small'))
  return container
}

test(
  'a static program starts within 256 KiB',
  (t, scope) => {
    t.match(small(scope, within(256 * 1024, '/small')).run(), { status: 0, stderr: '' })
  },
  { needs: ['cgroup:memory', 'tsrun'] },
)

test(
  'exec works within 256 KiB as well',
  (t, scope) => {
    const container = small(scope, within(256 * 1024, '/small', 'wait'))
    t.match(container.run(['--detach']), { status: 0, stderr: '' })
    // More than one: what the kernel keeps for a CPU must not add up.
    for (let i = 0; i < 5; i++) t.match(scope.runtime(['exec', container.id, '/small']), { status: 0, stderr: '' })
    t.equal(container.state().status, 'running')
    const { version } = hierarchyOf('memory') ?? {}
    const file = version === 1 ? 'memory.limit_in_bytes' : 'memory.max'
    t.equal(readGroup(groupOf(container.state().pid, 'memory'), file), '262144', 'the limit is the wanted one')
  },
  { needs: ['cgroup:memory', 'tsrun'] },
)

test(
  'a limit too low to start says so, and leaves nothing',
  (t, scope) => {
    const container = small(scope, within(8192, '/small'))
    const { status, stderr } = container.create()
    t.equal(status, 1)
    t.match(stderr, /the memory limit is too low to start the container/)
  },
  { needs: ['cgroup:memory', 'tsrun'] },
)
