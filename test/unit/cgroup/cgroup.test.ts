/** The room of cgroups, on files that look like theirs. */
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Cgroup } from '#dist/cgroup/cgroup.js'
import { Claim } from '#dist/cgroup/claim.js'
import { enableControllers } from '#dist/cgroup/controllers.js'

/** A directory below a temporary one with these files. */
function tree(test: Pick<typeof t, 'testdir'>, files: Readonly<Record<string, string>>): string {
  const top = test.testdir()
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(top, path, '..'), { recursive: true })
    writeFileSync(join(top, path), text)
  }
  return top
}

t.test('its own freeze and that of a cgroup above are different things', async (t) => {
  const top = tree(t, {
    'a/cgroup.freeze': '1\n',
    'a/b/cgroup.freeze': '0\n',
    'a/b/cgroup.events': 'populated 0\nfrozen 1\n',
  })
  const cgroup = new Cgroup({ unified: `${top}/a/b`, v1: {} })
  t.match(cgroup, { isFrozen: false, isStopped: true, canFreeze: true })
  t.equal(cgroup.frozenAbove(), `${top}/a`)
  t.equal(new Cgroup({ unified: `${top}/a/b/not/yet`, v1: {} }).frozenAbove(), `${top}/a`)
  t.match(new Cgroup({ unified: `${top}/a`, v1: {} }), { isFrozen: true, isStopped: false })
  t.equal(new Cgroup({ unified: `${top}/a`, v1: {} }).frozenAbove(), undefined)
})

t.test('in cgroup v1 too', async (t) => {
  const top = tree(t, {
    ...{ 'a/freezer.state': 'FROZEN\n', 'a/freezer.self_freezing': '1\n' },
    ...{ 'a/b/freezer.state': 'FREEZING\n', 'a/b/freezer.self_freezing': '0\n' },
  })
  const cgroup = new Cgroup({ v1: { 'freezer,misc': `${top}/a/b` } })
  t.match(cgroup, { isFrozen: false, isStopped: true, canFreeze: true })
  t.equal(cgroup.frozenAbove(), `${top}/a`)
})

t.test('a controller is in a hierarchy of its own, or in the unified one', async (t) => {
  const top = tree(t, { 'cgroup.controllers': 'memory pids\n', 'memory.events': 'low 0\noom_kill 2\n' })
  const both = new Cgroup({ unified: top, v1: { 'cpu,cpuacct': '/c/cpu' } })
  t.strictSame(
    ['cpu', 'cpuacct', 'pids', 'io'].map((name) => both.controller(name)),
    ['/c/cpu', '/c/cpu', top, undefined],
  )
  t.ok(both.oomKilled)
  t.strictSame(both.directories, [top, '/c/cpu'])
})

t.test('what is gone is empty, not frozen, and can be thawed', async (t) => {
  const gone = new Cgroup({ unified: '/nowhere/a', v1: { freezer: '/nowhere/b' } })
  t.match(gone, { isFrozen: false, isStopped: false, oomKilled: false })
  t.strictSame([gone.processes(), gone.thaw(), gone.watchOom()], [[], undefined, undefined])
  t.strictSame(new Cgroup({ v1: {} }).processes(), [])
})

t.test('one at a time makes or removes a cgroup', async (t) => {
  const directory = join(t.testdir(), 'a')
  const make = (): boolean => {
    mkdirSync(directory, { recursive: true })
    return true
  }
  const [first, second] = [new Claim(), new Claim()]
  t.equal(first.take(directory), undefined, 'there is none yet')
  t.ok(first.make('x', directory, make))
  t.ok(first.held)
  t.equal(second.take(directory), false)
  t.throws(() => second.make('y', directory, make), { code: 'ERR_TSRUN_STATUS', message: directory })
  first.release()
  t.equal(second.take(directory), true)
  second.release()
  let removals = 0
  const removing = (): boolean => {
    make()
    if (removals++ < 3) rmdirSync(directory)
    return true
  }
  t.ok(second.make('y', directory, removing), 'made again where another has removed it')
  second.release()
})

t.test('a controller that cannot be had is named; below threads a cgroup becomes one of them', async (t) => {
  const top = tree(t, {
    ...{ 'cgroup.controllers': 'cpu\n', 'cgroup.subtree_control': '' },
    ...{ 'a/cgroup.controllers': 'cpu\n', 'a/cgroup.type': 'domain invalid\n' },
  })
  const lacking = { controllers: ['memory'], wanted: [], limits: [] }
  t.throws(() => enableControllers(`${top}/a`, lacking), {
    code: 'ERR_TSRUN_UNSUPPORTED',
    message: /"memory" is not available/,
  })
  t.equal(new Cgroup({ unified: `${top}/a`, v1: {} }).controller('memory'), undefined)
})
