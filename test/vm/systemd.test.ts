/** Cgroups made by systemd. In virtual machines where systemd is process 1, with either version of cgroups; see scripts/test-vm.mjs. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import type { Test } from 'tap'
import type { Container } from '../helpers/container.js'
import { awaitProcess } from '../helpers/peer.js'
import type { Scope } from '../helpers/scope.js'
import { cgroupsOf, create, directoryOf, everywhereAt, globals, show, sleeper } from '../helpers/systemd.js'
import { testWith } from '../helpers/test.js'

const test = testWith('systemd', 'tsrun')

test('without cgroupsPath the scope is tsrun-ID in system.slice, and holds init alone before create returns', (t, scope) => {
  const container = sleeper(scope)
  create(t, container)
  const unit = `tsrun-${container.id}.scope`
  const { pid } = container.state()
  t.same(cgroupsOf(pid), everywhereAt(`/system.slice/${unit}`))
  t.equal(readFileSync(`${directoryOf(unit)}/cgroup.procs`, 'utf8'), `${pid}\n`)
  t.match(show(unit, 'ActiveState', 'Delegate', 'Slice', 'Description', 'Transient'), {
    ActiveState: 'active',
    Delegate: 'yes',
    Slice: 'system.slice',
    Description: `tsrun container ${container.id}`,
    Transient: 'yes',
  })
  t.equal(container.delete().status, 0, 'delete, without the flag')
  t.notOk(existsSync(directoryOf(unit)))
  t.equal(show(unit, 'LoadState').LoadState, 'not-found')
})

test('commands without the flag find all processes of the scope', (t, scope) => {
  const container = sleeper(scope)
  create(t, container)
  container.start()
  const unit = `tsrun-${container.id}.scope`
  t.equal(scope.runtime(['exec', '--detach', container.id, '/bin/sleep', '1000']).status, 0)
  const { stdout } = scope.runtime(['ps', '--format', 'json', container.id])
  const pids = JSON.parse(stdout) as number[]
  t.equal(pids.length, 2)
  for (const pid of pids) t.same(cgroupsOf(pid), everywhereAt(`/system.slice/${unit}`))
  t.equal(scope.runtime(['pause', container.id]).status, 0)
  t.equal(container.state().status, 'paused')
  t.equal(scope.runtime(['resume', container.id]).status, 0)
  t.equal(container.state().status, 'running')
  const stats = JSON.parse(scope.runtime(['events', '--stats', container.id]).stdout) as {
    data: { pids: { current: number } }
  }
  t.equal(stats.data.pids.current, 2)
  scope.runtime(['pause', container.id])
  t.equal(container.delete(['--force']).status, 0, 'also of a paused container')
  t.notOk(existsSync(directoryOf(unit)))
  t.equal(show(unit, 'LoadState').LoadState, 'not-found')
})

for (const [name, directory] of [
  ['_NAME', '__NAME'],
  ['cgroup.NAME', '_cgroup.NAME'],
  ['memory', '_memory'],
  ['memory.NAME', 'memory.NAME'],
] as const) {
  test(`the scope ${name}.scope, whose directory systemd calls ${directory}.scope, is found by every command`, (t, scope) => {
    const container = sleeper(scope, (config) => {
      config.linux.cgroupsPath = `system.slice::${name.replace('NAME', scope.word)}`
    })
    create(t, container)
    const [unit = '', place] = [name, directory].map((text) => `${text.replace('NAME', scope.word)}.scope`)
    t.same(cgroupsOf(container.state().pid), everywhereAt(`/system.slice/${place}`))
    container.start()
    t.match(scope.runtime(['exec', container.id, '/bin/true']), { status: 0, stderr: '' })
    t.match(scope.runtime(['update', '--pids-limit', '11', container.id]), { status: 0, stderr: '' })
    t.equal(show(unit, 'TasksMax').TasksMax, '11')
    t.match(container.delete(['--force']), { status: 0, stderr: '' })
    t.notOk(existsSync(directoryOf(place ?? '')))
    t.equal(show(unit, 'LoadState').LoadState, 'not-found')
  })
}

test('annotations set properties of the scope, seconds as in unit files', (t, scope) => {
  const container = sleeper(scope, (config) => {
    config.annotations = {
      'org.systemd.property.TimeoutStopSec': '7',
      'org.systemd.property.SendSIGHUP': 'true',
      'org.systemd.property.RuntimeMaxUSec': 'uint64 18446744073709551615',
      'org.systemd.property.FinalKillSignal': 'int32 3',
      'org.systemd.property.Description': "'said by an annotation'",
      'org.systemd.property.After': "['dbus.service']",
    }
  })
  create(t, container)
  const unit = `tsrun-${container.id}.scope`
  t.match(show(unit, 'TimeoutStopUSec', 'SendSIGHUP', 'FinalKillSignal', 'RuntimeMaxUSec', 'Description', 'After'), {
    TimeoutStopUSec: '7s',
    SendSIGHUP: 'yes',
    FinalKillSignal: '3',
    RuntimeMaxUSec: 'infinity',
    Description: 'said by an annotation',
    After: /dbus\.service/,
  })
})

test('a property that systemd refuses fails the create, and nothing is left', (t, scope) => {
  const container = sleeper(scope, (config) => {
    config.annotations = { 'org.systemd.property.NoSuchThing': 'true' }
  })
  const { status, stderr } = container.create([], globals)
  t.equal(status, 1)
  t.match(stderr, /systemd StartTransientUnit: .*NoSuchThing/)
  t.same(scope.leftovers(), [])
})

test('a container that has ended leaves no scope in the way of the next one of its name', (t, scope) => {
  for (const args of [['/bin/false'], ['/bin/true']]) {
    const container = scope.container((config) => {
      config.process.args = args
      config.linux.cgroupsPath = `:again:${scope.word}`
    })
    t.equal(container.run([], globals).status, args[0] === '/bin/true' ? 0 : 1)
    t.equal(show(`again-${scope.word}.scope`, 'LoadState').LoadState, 'not-found')
  }
})

test('a name that is taken by a running scope is an error, and that scope goes on', (t, scope) => {
  const [first, second] = [0, 1].map(() =>
    sleeper(scope, (config) => {
      config.linux.cgroupsPath = `:taken:${scope.word}`
    }),
  ) as [Container, Container]
  create(t, first)
  const { status, stderr } = second.create([], globals)
  t.equal(status, 1)
  t.match(stderr, new RegExp(`taken-${scope.word}\\.scope`))
  t.equal(first.state().status, 'created')
})

for (const [title, end] of [
  ['kill --all', (container: Container) => container.kill('KILL', ['--all'])],
  ['delete --force', (container: Container) => container.delete(['--force'])],
] as const) {
  test(`exec joins the scope, and ${title} ends what is in it`, (t, scope) => {
    const container = sleeper(scope)
    create(t, container)
    container.start()
    const unit = `tsrun-${container.id}.scope`
    const file = scope.path('pid')
    const exec = ['exec', '--detach', '--pid-file', file, container.id, '/bin/sleep', '1000']
    t.equal(scope.runtime(exec).status, 0)
    const pid = Number(readFileSync(file, 'utf8'))
    t.same(
      readFileSync(`${directoryOf(unit)}/cgroup.procs`, 'utf8')
        .trim()
        .split('\n')
        .map(Number)
        .sort((one, other) => one - other),
      [container.state().pid, pid].sort((one, other) => one - other),
    )
    t.equal(end(container).status, 0)
    awaitProcess(pid)
    t.equal(container.delete(['--force']).status, 0)
    t.notOk(existsSync(directoryOf(unit)))
  })
}

/** It shares the runtime's pid namespace, and has a second process, in the background of `script`, when this returns. */
function startShared(t: Test, scope: Scope, script: string): Container {
  const container = scope.container((config) => {
    config.process.args = ['/bin/sh', '-c', script]
    config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid')
  })
  const ready = container.fifo('ready')
  create(t, container)
  container.start()
  ready.read()
  return container
}

test('who stops the scope ends the whole container, also without a pid namespace of its own', (t, scope) => {
  const container = startShared(t, scope, 'sleep 1000 & echo > /ready; sleep 1000')
  const unit = `tsrun-${container.id}.scope`
  t.equal(spawnSync('systemctl', ['stop', unit]).status, 0)
  container.awaitEnd()
  t.equal(container.state().status, 'stopped')
  t.equal(container.delete().status, 0)
  t.same(scope.leftovers(), [])
})

test('what is left of a container without a pid namespace of its own ends when it is deleted', (t, scope) => {
  const container = startShared(t, scope, 'sleep 1000 & echo > /ready')
  container.awaitEnd()
  t.equal(container.delete().status, 0)
  t.same(scope.leftovers(), [])
  t.equal(show(`tsrun-${container.id}.scope`, 'LoadState').LoadState, 'not-found')
})

test('a cgroupsPath of another form is an error that says which form it must have', (t, scope) => {
  const container = sleeper(scope, (config) => {
    config.linux.cgroupsPath = '/tsrun/a'
  })
  const { status, stderr } = container.create([], globals)
  t.equal(status, 1)
  t.match(stderr, /expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "\/tsrun\/a"/)
})
