/** Containers whose record in the state directory is broken, missing, or cannot be written: they can be removed. */
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { groupOf, readGroup } from '../helpers/cgroups.js'
import type { Change } from '../helpers/config.js'
import type { Container } from '../helpers/container.js'
import { running, sleeper } from '../helpers/exec.js'
import type { Scope } from '../helpers/scope.js'
import { testWith } from '../helpers/test.js'

const test = testWith('tsrun')

const waits: Change = (config) => {
  config.process.args = ['/probe', 'wait']
}

/** What may have become of a record. */
const losses: Record<string, (path: string, scope: Scope) => void> = {
  empty: (path) => truncateSync(path, 0),
  'cut off': (path) => truncateSync(path, 200),
  'an empty object': (path) => writeFileSync(path, '{}'),
  'an array': (path) => writeFileSync(path, '[]'),
  missing: (path) => rmSync(path),
  'without its cgroups': (path) =>
    writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), cgroup: {} })),
  'a fifo': (path, scope) => {
    rmSync(path)
    scope.runner.runProgram('mkfifo', [path])
  },
}

const stateFile = (scope: Scope, { id }: Container): string => join(scope.root, id, 'state.json')

for (const [name, lose] of Object.entries(losses)) {
  test(`a container whose record is ${name} is removed by force, with its processes and cgroups`, (t, scope) => {
    for (const command of ['create', 'run'] as const) {
      const container = scope.container(waits)
      t.equal(command === 'create' ? container.create().status : container.run(['--detach']).status, 0)
      lose(stateFile(scope, container), scope)
      t.match(container.delete(), { status: 1, stderr: /^tsrun: .+\n$/ })
      t.match(scope.runtime(['state', container.id]), { status: 1, stderr: /^tsrun: .+\n$/ })
      const { status, stderr } = container.delete(['--force'])
      t.equal(status, 0)
      t.match(stderr, /level=warning .*had no usable record.*removed .*\(1 processes\)/)
      t.same(scope.leftovers(), [])
    }
  })
}

test('at its cgroupsPath it is found too, and what is not known is told', (t, scope) => {
  const container = scope.container((config) => {
    waits(config)
    config.linux.cgroupsPath = `/${scope.word}/deep`
    config.hooks = { poststop: [{ path: '/bin/true' }] }
  })
  t.equal(container.run(['--detach']).status, 0)
  truncateSync(stateFile(scope, container), 0)
  t.match(container.delete(['--force']), { status: 0, stderr: /removed .*\/deep .*poststop hooks have not been run/ })
  scope.runner.runProgram('sh', ['-c', `rmdir /sys/fs/cgroup/${scope.word} /sys/fs/cgroup/*/${scope.word}`])
  t.same(scope.leftovers(), [])
})

test('without its config it is found by its id', (t, scope) => {
  const container = scope.container(waits)
  t.equal(container.run(['--detach']).status, 0)
  truncateSync(stateFile(scope, container), 0)
  rmSync(join(scope.root, container.id, 'config.json'))
  t.match(container.delete(['--force']), { status: 0, stderr: /its config is lost too/ })
  t.same(scope.leftovers(), [])
})

test('what a symbolic link in the state root leads to is never touched', (t, scope) => {
  const folder = scope.path('precious')
  mkdirSync(folder)
  writeFileSync(join(folder, 'state.json'), 'precious')
  const id = scope.newId()
  symlinkSync(folder, join(scope.root, id))
  for (const args of [
    ['delete', '--force', id],
    ['delete', id],
    ['state', id],
    ['start', id],
  ])
    t.match(scope.runtime(args), { status: 1, stderr: /^tsrun: .+\n$/ }, args.join(' '))
  t.match(scope.runtime(['delete', '--force', id]), { stderr: /is a symbolic link/ })
  t.equal(readFileSync(join(folder, 'state.json'), 'utf8'), 'precious')
  rmSync(join(scope.root, id))
})

test('a record under another name, by a link or a copy, does nothing to the container that it is of', (t, scope) => {
  const container = scope.container((config) => {
    waits(config)
    config.linux.cgroupsPath = `/${scope.word}-copied`
  })
  t.equal(container.run(['--detach']).status, 0)
  for (const how of ['ln', 'cp'] as const) {
    const id = scope.newId()
    const [from, to] = [join(scope.root, container.id), join(scope.root, id)]
    scope.runner.runProgram(how, [how === 'cp' ? '-a' : '-s', from, to])
    for (const args of [
      ['state', id],
      ['kill', id, 'KILL'],
      ['exec', id, '/bin/true'],
      ['update', '--pids-limit', '5', id],
      ['pause', id],
      ['delete', id],
    ]) {
      const { status, stderr } = scope.runtime(args)
      t.ok(status !== 0, args.join(' '))
      t.match(stderr, how === 'cp' ? /is that of the container/ : /is that of the container|is a symbolic link/)
    }
    t.match(scope.runtime(['list', '-q']), { stdout: `${container.id}\n`, stderr: id })
    if (how === 'cp') t.match(scope.runtime(['delete', '--force', id]), { status: 0, stderr: /no cgroup of its own/ })
    else rmSync(to)
    t.equal(container.state().status, 'running', how)
  }
})

test('a lost record does not end another container that has come into its cgroup', (t, scope) => {
  const [first, second] = ['exit 0', 'sleep 1000'].map((script) =>
    scope.container((config) => {
      config.linux.cgroupsPath = `/${scope.word}-again`
      config.process.args = ['/bin/sh', '-c', script]
    }),
  ) as [Container, Container]
  t.equal(first.create().status, 0)
  t.equal(first.start().status, 0)
  first.awaitEnd()
  t.match(second.run(['--detach']), { status: 0, stderr: '' })
  truncateSync(stateFile(scope, first), 0)
  t.match(first.delete(['--force']), { status: 0, stderr: /level=warning .*no cgroup of its own was there/ })
  t.equal(second.state().status, 'running')
  t.equal(second.delete(['--force']).status, 0)
  t.same(scope.leftovers(), [])
})

/** The state root on a file system of its own, so that it may be full, or read-only. */
const separateRoot = (scope: Scope): string => scope.mountTmpfs('state', 'size=64k', 'mode=700')

test('with a full state root nothing is changed, and what is there can be deleted', (t, scope) => {
  const root = separateRoot(scope)
  const container = running(scope)
  const group = groupOf(container.state().pid, 'pids')
  const before = readGroup(group, 'pids.max')
  const filler = openSync(join(root, 'filler'), 'w')
  t.throws(
    () => {
      for (;;) writeSync(filler, Buffer.alloc(4096))
    },
    { code: 'ENOSPC' },
  )
  closeSync(filler)
  const { status, stderr } = scope.runtime(['update', '--pids-limit', '50', container.id])
  t.equal(status, 1)
  t.match(stderr, /state\.json.*no space left on device/)
  t.equal(readGroup(group, 'pids.max'), before, 'the limit is that of the record')
  const refused = scope.container()
  t.match(refused.create(), { status: 1, stderr: /no space left on device/ })
  t.match(container.delete(['--force']), { status: 0, stderr: '' })
})

test('from a read-only state root a container starts, and is not deleted by half', (t, scope) => {
  const root = separateRoot(scope)
  const container = scope.container(sleeper)
  t.equal(container.create().status, 0)
  const remount = (how: string): number | null =>
    scope.runner.runProgram('mount', ['-o', `remount,${how}`, root]).status
  t.equal(remount('ro'), 0)
  t.match(container.start(), { status: 0, stderr: /level=warning .*cannot remove the start socket/ })
  t.equal(container.state().status, 'running')
  t.match(container.delete(['--force']), { status: 1, stderr: /cannot remove state directory .*read-only file system/ })
  t.equal(remount('rw'), 0)
  t.match(container.delete(['--force']), { status: 0, stderr: '' })
})
