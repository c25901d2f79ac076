/** State directories: who may look into them, and container ids that would lead out of them. */
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { attackTest } from '../helpers/attack.js'

const mode = (path: string): string => (lstatSync(path).mode & 0o7777).toString(8)

attackTest('only its owner can look into a state directory, whatever the umask', (t, scope) => {
  const root = scope.path('other/deep/root')
  const container = scope.container()
  const { status } = scope.runner.runInShell(
    'umask 0; "$@"',
    ['create', '--bundle', container.bundle.path, container.id],
    {
      globals: ['--root', root],
    },
  )
  t.equal(status, 0)
  const directory = join(root, container.id)
  t.equal(mode(root), '700')
  t.equal(mode(directory), '700')
  t.same(readdirSync(directory).sort(), ['config.json', 'start.sock', 'state.json'])
  for (const name of readdirSync(directory)) t.equal(mode(join(directory, name)), '600', name)
  t.equal(scope.runtime(['delete', '--force', container.id], { globals: ['--root', root] }).status, 0)
  t.same(readdirSync(root), [])
})

attackTest('ids that are paths, options or too much are refused by every command', (t, scope, host) => {
  const { bundle } = scope.container()
  const ids = [
    '',
    '.',
    '..',
    '...',
    '.hidden',
    '../canary',
    '../../etc',
    'a/b',
    '/',
    '/etc',
    'a/../b',
    'a\n',
    'a b',
    'a:b',
    'ä',
    '%2e',
  ]
  for (const id of [...ids, 'x'.repeat(5000), `../${'x'.repeat(100)}`]) {
    for (const args of [
      ['create', '--bundle', bundle.path, '--', id],
      ['run', '--bundle', bundle.path, '--', id],
      ['start', '--', id],
      ['state', '--', id],
      ['kill', '--', id, 'KILL'],
      ['delete', '--', id],
    ]) {
      const { status, stderr } = scope.runtime(args)
      if (status === 0) t.fail(`${args.join(' ')}: ${stderr}`)
      t.notMatch(stderr, /undefined|TypeError/)
    }
    // With --force a container that does not exist is no error, but an impossible id is one.
    t.equal(scope.runtime(['delete', '--force', '--', id]).status, 1, JSON.stringify(id))
    host.check(t)
  }
  t.same(scope.leftovers(), [])
})

attackTest('a record that is broken or foreign is an error, and deletes nothing else', (t, scope, host) => {
  const texts = ['', '{', 'null', '[]', '{"version":1}', '{"version":99}', JSON.stringify({ version: 1, pid: 1 })]
  for (const [index, text] of texts.entries()) {
    const id = `broken${index}`
    mkdirSync(join(scope.root, id))
    writeFileSync(join(scope.root, id, 'state.json'), text)
    symlinkSync(join(host.canary, 'file'), join(scope.root, id, 'link'))
    for (const command of ['state', 'start', 'delete'])
      t.equal(scope.runtime([command, id]).status, 1, `${command} ${text}`)
    scope.runner.runProgram('rm', ['-r', join(scope.root, id)])
  }
  host.check(t)
  t.same(readdirSync(scope.root), [])
})

attackTest('delete removes links in a state directory, not what they lead to', (t, scope, host) => {
  const container = scope.container()
  container.create()
  symlinkSync(join(host.canary, 'file'), join(scope.root, container.id, 'link'))
  t.equal(container.delete(['--force']).status, 0)
  t.notOk(existsSync(join(scope.root, container.id)))
})

attackTest(
  'a state root that others may change is used with a warning, and not through a link of theirs',
  (t, scope) => {
    const root = scope.path('shared')
    mkdirSync(root)
    const create = (path: string) => {
      const container = scope.container()
      const globals = ['--root', path]
      const result = scope.runtime(['create', '--bundle', container.bundle.path, container.id], { globals })
      if (result.status === 0) scope.runtime(['delete', '--force', container.id], { globals })
      return result
    }
    chmodSync(root, 0o700)
    t.match(create(root), { status: 0, stderr: '' })
    chmodSync(root, 0o777)
    t.match(create(root), { status: 0, stderr: /level=warning .*can be changed by others.*mode 777/ })
    chmodSync(root, 0o700)
    chownSync(root, 54_321, 0)
    t.match(create(root), { status: 0, stderr: /level=warning .*can be changed by user 54321/ })
    chownSync(root, 0, 0)
    symlinkSync(root, scope.path('link'))
    t.match(create(scope.path('link/below')), { status: 0, stderr: '' })
    lchownSync(scope.path('link'), 54_321, 0)
    t.match(create(scope.path('link/below')), { status: 1, stderr: /symbolic link of user 54321/ })
    t.same(readdirSync(join(root, 'below')), [])
  },
)
