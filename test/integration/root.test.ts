/** config.json: root. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { mountAt, tried } from '../helpers/probe.js'
import { test } from '../helpers/test.js'

test('a writable root can be written to, and the bundle has what was written', (t, scope) => {
  const container = scope.container((config) => {
    config.process.args = ['/probe', 'write /made yes']
  })
  const { status } = container.run()
  t.equal(status, 0)
  t.ok(existsSync(join(container.bundle.rootfs, 'made')))
})

test('a read-only root is read-only, and mounts below it stay writable', (t, scope) => {
  const report = scope.probe(
    (config) => {
      config.root.readonly = true
      config.mounts.push({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs' })
    },
    'write /made yes',
    'write /tmp/made yes',
  )
  t.equal(tried(report, 'write /made yes').error, 'EROFS')
  t.equal(tried(report, 'write /tmp/made yes').error, '')
  t.ok(mountAt(report, '/').options.includes('ro'))
})

test('the container sees its rootfs alone, and nothing of the host is mounted in it', (t, scope) => {
  const report = scope.probe(undefined, 'list /', 'open /..', 'stat /', 'stat /..')
  t.same(tried(report, 'list /').entries?.toSorted(), ['bin', 'dev', 'etc', 'probe', 'proc', 'root', 'sys', 'tmp'])
  t.equal(tried(report, 'stat /').inode, tried(report, 'stat /..').inode)
  t.same(report.mounts.map(({ point }) => point).toSorted(), ['/', '/dev', '/dev/pts', '/proc', '/sys'])
})
