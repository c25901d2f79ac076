/** A container without a mount namespace: a change of root, and nothing mounted on the host. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Change, TestMount } from '../helpers/config.js'
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

test(
  'hooks run without a mount namespace too, and find the rootfs',
  (t, scope) => {
    const seen = scope.path('seen')
    const hook = (name: string) => ({ path: '/bin/sh', args: ['sh', '-c', `echo ${name} >> ${seen}`] })
    const container = scope.container((config) => {
      withoutMounts(config)
      config.hooks = {
        prestart: [hook('prestart')],
        createRuntime: [hook('createRuntime')],
        createContainer: [{ path: '/bin/sh', args: ['sh', '-c', `ls bin/busybox >> ${seen}`] }],
        startContainer: [{ path: '/bin/touch', args: ['touch', '/started'] }],
        poststart: [hook('poststart')],
        poststop: [hook('poststop')],
      }
    })
    t.match(container.complete(), { status: 0, stderr: '' })
    t.match(container.delete(), { status: 0, stderr: '' })
    t.ok(existsSync(join(container.bundle.rootfs, 'started')))
    const order = ['prestart', 'createRuntime', 'bin/busybox', 'poststart', 'poststop']
    t.same(readFileSync(seen, 'utf8').trim().split('\n'), order)
  },
  { needs: ['tsrun'] },
)

test(
  'what would change the mounts of the host is refused by name, also with its mount namespace by path',
  (t, scope) => {
    const mount: TestMount = { destination: '/tmp', type: 'tmpfs', source: 'tmpfs' }
    const refused: readonly (readonly [Change, RegExp])[] = [
      [(config) => config.mounts.push(mount), /\/mounts: needs a mount namespace/],
      [(config) => (config.root.readonly = true), /\/root\/readonly: needs a mount namespace/],
      [(config) => (config.linux.maskedPaths = ['/x']), /\/linux\/maskedPaths: needs a mount namespace/],
      [
        (config) => config.linux.namespaces.unshift({ type: 'mount', path: '/proc/self/ns/mnt' }),
        /\/linux\/namespaces\/0\/path: "\/proc\/self\/ns\/mnt" is the mount namespace of the host/,
      ],
    ]
    for (const [change, message] of refused) {
      const container = scope.container((config) => {
        withoutMounts(config)
        change(config)
      })
      // In a mount namespace of its own, which is all that a failure of this test may harm.
      const command = scope.runner.commandLine(['run', '--bundle', container.bundle.path, container.id])
      t.match(scope.runner.runProgram('unshare', ['--mount', ...command]), { status: 1, stderr: message })
    }
  },
  { needs: ['tsrun'] },
)
