/** Seccomp filters that permit nothing of what init still has to do. */
import type { Change } from '../helpers/config.js'
import { test } from '../helpers/test.js'

for (const [name, action] of [
  ['fails', 'SCMP_ACT_ERRNO'],
  ['kills', 'SCMP_ACT_KILL_PROCESS'],
] as const) {
  test(
    `a filter that ${name} every call ends init, also exit_group, and the command says so`,
    async (t, scope) => {
      const change: Change = (config) => {
        config.process.noNewPrivileges = true
        config.linux.seccomp = { defaultAction: action }
      }
      const running = scope.container(change)
      t.match(running.run(), { status: 1, stderr: /ended without having executed its program/ })
      const created = scope.container(change)
      t.equal(created.create().status, 0)
      t.match(created.start(), { status: 1, stderr: /ended without having executed its program/ })
      t.equal(created.state().status, 'stopped')
      t.equal(created.delete().status, 0)
      t.same(scope.leftovers(), [])
    },
    { needs: ['tsrun'] },
  )
}
