/** config.json: memory limits that leave next to nothing for the runtime. */
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Change } from '../helpers/config.js'
import type { Container } from '../helpers/container.js'
import type { Result } from '../helpers/runtime.js'
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

/**
 * The kernel charges in batches of up to 64 pages per CPU and takes back what other CPUs hold only when a
 * worker gets to run there: on a busy machine it may kill although there is room. So several tries count.
 */
const tries = 5

/** The first result of the attempts that is a success, or the last one. */
function firstSuccess(attempt: () => Result): Result {
  for (let i = 1; ; i++) {
    const result = attempt()
    if (result.status === 0 || i === tries) return result
  }
}

test(
  'a static program starts within 256 KiB',
  (t, scope) => {
    t.match(
      firstSuccess(() => small(scope, within(256 * 1024, '/small')).run()),
      { status: 0, stderr: '' },
    )
  },
  { needs: ['cgroup:memory', 'tsrun'] },
)

test(
  'exec works within 256 KiB as well',
  (t, scope) => {
    const attempt = (): Result => {
      const container = small(scope, within(256 * 1024, '/small', 'wait'))
      const started = container.run(['--detach'])
      return started.status === 0 ? scope.runtime(['exec', container.id, '/small']) : started
    }
    t.match(firstSuccess(attempt), { status: 0, stderr: '' })
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
