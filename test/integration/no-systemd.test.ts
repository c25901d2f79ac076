/** The cgroup manager systemd on a host where it cannot be used. */
import { test } from '../helpers/test.js'

test(
  'without systemd the cgroup manager systemd is an error that says what to use, and leaves nothing behind',
  (t, scope) => {
    for (const globals of [['--systemd-cgroup'], ['--cgroup-manager', 'systemd']]) {
      const container = scope.container()
      const { status, stderr } = container.create([], { globals })
      t.equal(status, 1)
      t.match(stderr, /systemd .*use the cgroup manager cgroupfs\n$/)
      t.same(scope.leftovers(), [])
    }
  },
  { needs: ['no-systemd', 'tsrun'] },
)
