/** A container without a mount namespace: a change of root, and nothing mounted on the host. */
import type { Change } from '../helpers/config.js'
import { mountsSeenBy } from '../helpers/leaks.js'
import { test } from '../helpers/test.js'

const withoutMounts: Change = (config) => {
  config.linux = { ...config.linux, namespaces: [{ type: 'pid' }], maskedPaths: [], readonlyPaths: [] }
  config.mounts = []
  config.root.readonly = false
  delete config.hostname
  config.process.args = ['/bin/ls', '/bin/busybox']
}

test('a container without a mount namespace sees its rootfs and mounts nothing on the host', (t, scope) => {
  const before = mountsSeenBy(scope.word)
  const { status, stdout, stderr } = scope.container(withoutMounts).run()
  t.same({ status, stdout, stderr }, { status: 0, stdout: '/bin/busybox\n', stderr: '' })
  t.same(mountsSeenBy(scope.word), before)
})
