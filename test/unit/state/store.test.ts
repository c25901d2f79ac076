/** The state directory: what is made, locked, kept, refused and removed in it. */
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { parseContainerId } from '#dist/state/store.js'
import { recordOf, storeOf } from './support.js'

const id = parseContainerId('one')
const mode = (path: string): string => (statSync(path).mode & 0o7777).toString(8)

t.test('ids are those of runc, and never hidden, empty, a way upwards, or too long for a name', async (t) => {
  for (const good of ['a', 'A-b_c+d.e', '-x', '+', '0', 'x'.repeat(1024)]) t.equal(parseContainerId(good), good)
  for (const bad of ['', '.', '..', '.x', 'a/b', 'a b', 'a\n', 'ä', 'x'.repeat(1025)])
    t.throws(() => parseContainerId(bad), { code: 'ERR_TSRUN_USAGE' }, JSON.stringify(bad))
})

t.test('what is saved is loaded again, from files that only their owner can read', async (t) => {
  const store = storeOf(t)
  const lock = store.create(id)
  store.save(id, recordOf({ pid: 7, annotations: { a: 'b' } }))
  t.notOk(store.hasConfig(id))
  store.saveConfig(id, '{"a": 1}')
  lock.release()
  t.match(store.load(id), { pid: 7, annotations: { a: 'b' } })
  t.equal(store.loadConfig(id), '{"a": 1}')
  t.equal(mode(store.root), '700')
  t.equal(mode(store.directory(id)), '700')
  t.same(readdirSync(store.directory(id)).sort(), ['config.json', 'state.json'], 'and no temporary file is left')
  for (const name of ['config.json', 'state.json']) t.equal(mode(join(store.directory(id), name)), '600')
})

t.test(
  'a compiled filter is kept also when it is the first thing below the root, and is taken from there',
  async (t) => {
    const store = storeOf(t)
    const request = {
      ...{
        defaultAction: 0x7fff0000,
        architectures: [],
        enosysForNewer: false,
        failUnknown: false,
        rules: [],
        alsoNamed: [],
      },
    }
    const kept = (): number[] => {
      const directory = join(store.root, '.seccomp')
      return readdirSync(directory).map((name) => statSync(join(directory, name)).ino)
    }
    const compiled = store.compileSeccomp(request)
    const first = kept()
    t.equal(first.length, 1)
    t.equal(mode(store.root), '700')
    t.same(store.compileSeccomp(request), compiled)
    t.same(kept(), first, 'nothing is written anew')
  },
)

t.test('a container can be made once, and again when it has been removed', async (t) => {
  const store = storeOf(t)
  store.create(id).release()
  t.throws(() => store.create(id), { code: 'ERR_TSRUN_EXISTS' })
  mkdirSync(store.notifyDirectory(id))
  writeFileSync(join(store.notifyDirectory(id), 'notify.sock'), '')
  store.remove(id)
  t.notOk(store.has(id))
  store.remove(id)
  store.create(id).release()
  t.ok(store.has(id))
})

t.test('a lock is held by one, and given to the next', async (t) => {
  const store = storeOf(t)
  const first = store.create(id)
  t.equal(store.lock(id, { wait: false }), undefined)
  first.release()
  const second = store.lock(id, { wait: false })
  t.ok(second)
  second?.release()
})

t.test('who has waited for a lock learns that the container has gone, or is another one of its name', async (t) => {
  const store = storeOf(t)
  store.create(id).release()
  const removed = store.lockWith(id, async () => {
    store.remove(id)
  })
  await t.rejects(removed, { code: 'ERR_TSRUN_NOT_FOUND' })
  store.create(id).release()
  const another = store.lockWith(id, async () => {
    store.remove(id)
    store.create(id).release()
  })
  await t.rejects(another, { code: 'ERR_TSRUN_NOT_FOUND' })
})

t.test('what is no container is not found, or refused by name', async (t) => {
  const store = storeOf(t)
  t.same(store.list(), [], 'without a root there are none')
  t.throws(() => store.load(id), { code: 'ERR_TSRUN_NOT_FOUND' })
  store.create(id).release()
  t.throws(() => store.load(id), { code: 'ERR_TSRUN_NOT_FOUND' })
  t.throws(() => store.loadConfig(id), { code: 'ERR_TSRUN_STORE', message: /config\.json/ })
  mkdirSync(join(store.directory(id), 'state.json'))
  t.throws(() => store.load(id), { code: 'ERR_TSRUN_STORE', message: /is not a file/ })
  writeFileSync(join(store.root, 'file'), '')
  t.throws(() => store.lock(parseContainerId('file'), { wait: false }), { message: /is not a directory/ })
  mkdirSync(join(store.root, '.seccomp'))
  t.same(store.list(), ['file', 'one'], 'hidden names are not containers')
})

t.test('a link in the state root is nothing of tsrun’s: what it leads to stays', async (t) => {
  const store = storeOf(t)
  store.create(parseContainerId('other')).release()
  const elsewhere = join(dirname(store.root), 'elsewhere')
  mkdirSync(elsewhere)
  writeFileSync(join(elsewhere, 'file'), '')
  symlinkSync(elsewhere, store.directory(id))
  for (const use of [() => store.remove(id), () => store.lock(id, { wait: false })])
    t.throws(use, { code: 'ERR_TSRUN_STORE', message: /symbolic link/ })
  t.ok(existsSync(join(elsewhere, 'file')))
})
