/** config.json: mount options of crun about symbolic links, and a mount that becomes the root. */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeRootfs } from '../helpers/bundle.js'
import { mapIds, type Change, type TestMount } from '../helpers/config.js'
import { mountAt, tried } from '../helpers/probe.js'
import type { Scope } from '../helpers/scope.js'
import { testWith } from '../helpers/test.js'

const test = testWith('tsrun')

const looks = ['link /there', 'read /there', 'read /target']

/** A container whose /there is a link to /target, with a bind there of a link of the host. */
function withLinks(scope: Scope, options: string[], userNamespace = false) {
  const source = scope.path('link')
  if (!existsSync(source)) {
    writeFileSync(scope.path('file'), 'of the host')
    symlinkSync('file', source)
  }
  const container = scope.container((config) => {
    config.process.args = ['/probe', ...looks]
    if (userNamespace) mapIds(config, 100_000)
    config.mounts.push({ destination: '/there', type: 'bind', source, options: ['bind', ...options] })
  })
  writeFileSync(join(container.bundle.rootfs, 'target'), 'untouched')
  symlinkSync('target', join(container.bundle.rootfs, 'there'))
  return container
}

for (const userNamespace of [false, true]) {
  const where = userNamespace ? ', in a user namespace' : ''
  test(`dest-nofollow covers the link itself, src-nofollow binds the link itself${where}`, (t, scope) => {
    const followed = withLinks(scope, ['ro'], userNamespace).runProbe()
    t.equal(tried(followed, 'link /there').text, 'target')
    t.equal(tried(followed, 'read /target').text, 'of the host')
    const covered = withLinks(scope, ['dest-nofollow'], userNamespace).runProbe()
    t.equal(tried(covered, 'read /there').text, 'of the host')
    t.equal(tried(covered, 'read /target').text, 'untouched')
    const both = withLinks(scope, ['dest-nofollow', 'src-nofollow'], userNamespace).runProbe()
    t.equal(tried(both, 'link /there').text, 'file')
    t.equal(tried(both, 'read /target').text, 'untouched')
  })
}

test('copy-symlink makes a link like the source, and is an error where something else is', (t, scope) => {
  writeFileSync(scope.path('file'), 'of the host')
  symlinkSync('somewhere/else', scope.path('link'))
  const container = scope.container((config) => {
    config.process.args = ['/probe', 'link /new/link', 'read /plain']
    config.mounts.push(
      { destination: '/new/link', type: 'bind', source: scope.path('link'), options: ['bind', 'copy-symlink'] },
      { destination: '/plain', type: 'bind', source: scope.path('file'), options: ['bind', 'copy-symlink'] },
    )
  })
  const report = container.runProbe()
  t.equal(tried(report, 'link /new/link').text, 'somewhere/else')
  t.equal(tried(report, 'read /plain').text, 'of the host', 'what is no link is bound')
  t.equal(container.run().status, 0, 'the same link may be there')
  container.bundle.config.mounts.push({
    ...{ destination: '/bin', type: 'bind', source: scope.path('link'), options: ['bind', 'copy-symlink'] },
  })
  container.rewrite()
  t.match(container.run(), { status: 1, stderr: /something else than this link is there/ })
})

test('options about links are refused where they would have no effect', (t, scope) => {
  const refused: readonly (readonly [TestMount, RegExp])[] = [
    [{ destination: '/x', type: 'tmpfs', options: ['src-nofollow'] }, /"src-nofollow" is an option of bind mounts/],
    [{ destination: '/x', source: '/x', options: ['bind', 'copy-symlink', 'dest-nofollow'] }, /"copy-symlink" leaves/],
  ]
  for (const [mount, message] of refused) {
    t.match(scope.container((config) => config.mounts.push(mount)).run(), { status: 1, stderr: message })
  }
})

test('rsync, rasync, rdirsync, rmand and rnomand of crun are those of the mount itself', (t, scope) => {
  const options = ['rasync', 'rmand', 'rdirsync', 'rsync', 'rnomand']
  const report = scope.probe((config) => {
    config.mounts.push({ destination: '/data', type: 'tmpfs', source: 'tmpfs', options })
  })
  const { superOptions } = mountAt(report, '/data')
  t.ok(superOptions.includes('sync') && superOptions.includes('dirsync'), superOptions.join())
})

/** Another root file system, and a file that tells it. */
function otherRoot(scope: Scope): string {
  const path = scope.path('other')
  mkdirSync(path)
  makeRootfs(path)
  writeFileSync(join(path, 'which'), 'the other')
  return path
}

for (const userNamespace of [false, true]) {
  test(`a mount at / becomes the root${userNamespace ? ', in a user namespace too' : ''}`, (t, scope) => {
    const source = otherRoot(scope)
    const asRoot: Change = (config) => {
      if (userNamespace) mapIds(config, 100_000)
      config.mounts.unshift({ destination: '/', type: 'bind', source, options: ['rbind', 'nodev'] })
      config.root.readonly = true
    }
    const report = scope.probe(asRoot, 'read /which', 'write /new x', 'stat /dev/null', 'read /../../which')
    t.equal(tried(report, 'read /which').text, 'the other')
    t.equal(tried(report, 'read /../../which').text, 'the other')
    t.equal(tried(report, 'write /new x').error, 'EROFS')
    t.equal(tried(report, 'stat /dev/null').type, 'char', 'what comes later lies in it')
    t.same(report.mounts.filter(({ point }) => point === '/').length, 1)
    t.ok(mountAt(report, '/').options.includes('nodev'))
  })
}

test('hooks and exec find the root that a mount at / has become', (t, scope) => {
  const source = otherRoot(scope)
  const container = scope.container((config) => {
    config.process.args = ['/probe', 'wait']
    config.mounts.unshift({ destination: '/', type: 'bind', source, options: ['bind'] })
    config.hooks = {
      createContainer: [{ path: '/bin/sh', args: ['sh', '-c', `cat which > ${scope.path('seen')}`] }],
    }
  })
  t.match(container.run(['--detach']), { status: 0, stderr: '' })
  t.equal(readFileSync(scope.path('seen'), 'utf8'), 'the other')
  t.match(scope.runtime(['exec', container.id, '/bin/cat', '/which']), { status: 0, stdout: 'the other' })
})

test('what shows something of the kernel is no root', (t, scope) => {
  for (const type of ['proc', 'cgroup']) {
    const container = scope.container((config) => config.mounts.push({ destination: '/', type, source: type }))
    t.match(container.run(), { status: 1, stderr: new RegExp(`${type} must not be the root of the container`) })
  }
})
