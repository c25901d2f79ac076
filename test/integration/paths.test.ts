/** config.json: linux.maskedPaths and readonlyPaths. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mountAt, tried } from '../helpers/probe.js'
import { test } from '../helpers/test.js'

test('a masked file is empty, a masked directory too, and nothing can be written there', (t, scope) => {
  const container = scope.container((config) => {
    config.process.args = [
      '/probe',
      ...['read /secret', 'write /secret x', 'list /folder', 'write /folder/new x', 'read /proc/keys', 'list /plain'],
    ]
    config.linux.maskedPaths = ['/secret', '/folder', '/other', '/proc/keys', '/secret', '/not/there']
  })
  const { rootfs } = container.bundle
  writeFileSync(join(rootfs, 'secret'), 'text')
  for (const name of ['folder', 'other', 'plain']) {
    mkdirSync(join(rootfs, name))
    writeFileSync(join(rootfs, name, 'file'), 'text')
  }
  t.match(container.run(), { status: 0, stderr: '' })
  const report = container.report()
  t.equal(tried(report, 'read /secret').text, '')
  t.equal(tried(report, 'read /proc/keys').text, '')
  t.same(tried(report, 'list /folder').entries, [])
  t.equal(tried(report, 'write /folder/new x').error, 'EROFS')
  t.same(tried(report, 'list /plain').entries, ['file'], 'the others are as they were')
})

test('what a masked directory is covered with cannot be filled', (t, scope) => {
  const report = scope.probe((config) => {
    config.linux.maskedPaths = ['/sys/firmware', '/tmp']
  }, 'list /tmp')
  t.ok(mountAt(report, '/tmp').options.includes('ro'))
  t.match(mountAt(report, '/tmp'), { type: 'tmpfs', source: 'tmpfs' })
})

test('a read-only path is read-only with all that is mounted below it, and keeps its options', (t, scope) => {
  const source = scope.mountTmpfs('source', 'nosuid', 'noexec')
  scope.mountTmpfs('source/below')
  const report = scope.probe(
    (config) => {
      config.mounts.push({ destination: '/data', type: 'bind', source, options: ['rbind'] })
      config.linux.readonlyPaths = ['/data', '/proc/sys', '/bin', '/not/there']
    },
    'write /data/x x',
    'write /bin/x x',
    'write /proc/sys/kernel/domainname x',
    'write /tmp/x x',
  )
  for (const words of ['write /data/x x', 'write /bin/x x', 'write /proc/sys/kernel/domainname x']) {
    t.equal(tried(report, words).error, 'EROFS', words)
  }
  t.equal(tried(report, 'write /tmp/x x').error, '')
  const { options } = mountAt(report, '/data')
  t.same(
    ['ro', 'nosuid', 'noexec'].filter((word) => options.includes(word)),
    ['ro', 'nosuid', 'noexec'],
  )
})

test('a file can be read-only', (t, scope) => {
  const container = scope.container((config) => {
    config.linux.readonlyPaths = ['/etc/file']
    config.process.args = ['/probe', 'write /etc/file x', 'write /etc/other x']
  })
  writeFileSync(join(container.bundle.rootfs, 'etc/file'), 'text')
  t.equal(container.run().status, 0)
  t.equal(tried(container.report(), 'write /etc/file x').error, 'EROFS')
  t.equal(tried(container.report(), 'write /etc/other x').error, '')
})
