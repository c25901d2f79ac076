/** Cgroups made by systemd. In the virtual machine where systemd is process 1; see scripts/test-vm.mjs. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import type { Test } from 'tap'
import type { TestConfig } from '../helpers/config.js'
import type { Container } from '../helpers/container.js'
import type { Scope } from '../helpers/scope.js'
import { unitProperties } from '../helpers/systemd.js'
import { test } from '../helpers/test.js'

const systemd = { needs: ['systemd', 'tsrun'] } as const
const globals = { globals: ['--systemd-cgroup'] } as const
const directory = (unit: string, slice = 'system.slice'): string => `/sys/fs/cgroup/${slice}/${unit}`

/** Properties of a unit as systemctl shows them. */
const show = (unit: string, ...names: string[]): Record<string, string> =>
  unitProperties(spawnSync('systemctl', ['show', unit, '-p', names.join(',')], { encoding: 'utf8' }).stdout)

/** A container that waits to be killed. */
function sleeper(scope: Scope, change: (config: TestConfig) => void = () => undefined): Container {
  return scope.container((config) => {
    config.process.args = ['/bin/sleep', '1000']
    change(config)
  })
}

function created(t: Test, container: Container): void {
  const { status, stderr } = container.create([], globals)
  t.equal(status, 0, 'create succeeds')
  t.equal(stderr, '')
}

test(
  'without cgroupsPath the scope is tsrun-ID in system.slice, and holds init alone before create returns',
  (t, scope) => {
    const container = sleeper(scope)
    created(t, container)
    const unit = `tsrun-${container.id}.scope`
    const { pid } = container.state()
    t.equal(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), `0::/system.slice/${unit}\n`)
    t.equal(readFileSync(`${directory(unit)}/cgroup.procs`, 'utf8'), `${pid}\n`)
    t.match(show(unit, 'ActiveState', 'Delegate', 'Slice', 'Description', 'Transient'), {
      ActiveState: 'active',
      Delegate: 'yes',
      Slice: 'system.slice',
      Description: `tsrun container ${container.id}`,
      Transient: 'yes',
    })
    t.equal(container.delete().status, 0, 'delete, without the flag')
    t.notOk(existsSync(directory(unit)))
    t.equal(show(unit, 'LoadState').LoadState, 'not-found')
  },
  systemd,
)

test(
  'limits are properties of the scope, and update changes them there too',
  (t, scope) => {
    const container = sleeper(scope, (config) => {
      config.linux.cgroupsPath = `tsrun-test.slice:limits:${scope.word}`
      config.linux.resources = {
        memory: { limit: 33554432, reservation: 16777216 },
        pids: { limit: 7 },
        cpu: { shares: 512, quota: 25000, period: 50000 },
        unified: { 'memory.high': '30000000', 'memory.oom.group': '1' },
      }
    })
    created(t, container)
    const unit = `limits-${scope.word}.scope`
    const at = directory(unit, 'tsrun.slice/tsrun-test.slice')
    const names = ['MemoryMax', 'MemoryLow', 'MemoryHigh', 'TasksMax', 'CPUWeight', 'CPUQuotaPerSecUSec'] as const
    const before = show(unit, ...names)
    t.match(before, {
      ...{ MemoryMax: '33554432', MemoryLow: '16777216', MemoryHigh: '30000000' },
      ...{ TasksMax: '7', CPUWeight: '59', CPUQuotaPerSecUSec: '500ms' },
    })
    const read = (file: string): string => readFileSync(`${at}/${file}`, 'utf8').trim()
    const files = ['memory.max', 'pids.max', 'cpu.max', 'cpu.weight', 'memory.oom.group']
    t.same(files.map(read), ['33554432', '7', '25000 50000', '59', '1'])
    const status = (): string => spawnSync('systemctl', ['status', '--no-pager', unit], { encoding: 'utf8' }).stdout
    t.comment(status())

    container.start()
    const args = ['update', '--memory', '67108864', '--pids-limit', '11', '--cpu-quota', '50000', container.id]
    t.equal(scope.runtime(args).status, 0, 'update, without the flag')
    const after = show(unit, ...names)
    t.match(after, { MemoryMax: '67108864', TasksMax: '11', CPUQuotaPerSecUSec: '1s', CPUWeight: '59' })
    t.same(['memory.max', 'pids.max', 'cpu.max'].map(read), ['67108864', '11', '50000 50000'])
    t.equal(read('memory.oom.group'), '1')

    spawnSync('systemctl', ['daemon-reload'])
    t.same(['memory.max', 'pids.max'].map(read), ['67108864', '11'], 'systemd knows them, also after a reload')
    t.comment(status())
    t.match(status(), /Tasks: 1 \(limit: 11\)/)
    container.delete(['--force'])
  },
  systemd,
)

test(
  'devices stay as they were when systemd reloads its units',
  (t, scope) => {
    const container = scope.container((config) => {
      config.process.args = [
        '/bin/sh',
        '-c',
        'read x < /go; echo a > /dev/null && head -c 1 /dev/zero > /dev/full; true',
      ]
      config.linux.resources = { devices: [{ allow: false, access: 'rwm' }] }
    })
    const go = container.fifo('go')
    created(t, container)
    const unit = `tsrun-${container.id}.scope`
    t.equal(show(unit, 'DevicePolicy').DevicePolicy, 'strict')
    container.start()
    spawnSync('systemctl', ['daemon-reload'])
    go.write('\n')
    container.awaitEnd()
    // /dev/full could be opened, so it is write(2) that has failed.
    t.match(container.output.stderr, /No space left/)
    t.notMatch(container.output.stderr, /Operation not permitted/)
  },
  systemd,
)

test(
  'annotations set properties of the scope, seconds as in unit files',
  (t, scope) => {
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
    created(t, container)
    const unit = `tsrun-${container.id}.scope`
    t.match(show(unit, 'TimeoutStopUSec', 'SendSIGHUP', 'FinalKillSignal', 'RuntimeMaxUSec', 'Description', 'After'), {
      TimeoutStopUSec: '7s',
      SendSIGHUP: 'yes',
      FinalKillSignal: '3',
      RuntimeMaxUSec: 'infinity',
      Description: 'said by an annotation',
      After: /dbus\.service/,
    })
  },
  systemd,
)

test(
  'a property that systemd refuses fails the create, and nothing is left',
  (t, scope) => {
    const container = sleeper(scope, (config) => {
      config.annotations = { 'org.systemd.property.NoSuchThing': 'true' }
    })
    const { status, stderr } = container.create([], globals)
    t.equal(status, 1)
    t.match(stderr, /systemd StartTransientUnit: .*NoSuchThing/)
    t.same(scope.leftovers(), [])
  },
  systemd,
)

test(
  'a container that has ended leaves no scope in the way of the next one of its name',
  (t, scope) => {
    for (const args of [['/bin/false'], ['/bin/true']]) {
      const container = scope.container((config) => {
        config.process.args = args
        config.linux.cgroupsPath = `:again:${scope.word}`
      })
      t.equal(container.run([], globals).status, args[0] === '/bin/true' ? 0 : 1)
      t.equal(show(`again-${scope.word}.scope`, 'LoadState').LoadState, 'not-found')
    }
  },
  systemd,
)

test(
  'a name that is taken by a running scope is an error, and that scope goes on',
  (t, scope) => {
    const [first, second] = [0, 1].map(() =>
      sleeper(scope, (config) => {
        config.linux.cgroupsPath = `:taken:${scope.word}`
      }),
    ) as [Container, Container]
    created(t, first)
    const { status, stderr } = second.create([], globals)
    t.equal(status, 1)
    t.match(stderr, new RegExp(`taken-${scope.word}\\.scope`))
    t.equal(first.state().status, 'created')
  },
  systemd,
)

test(
  'exec joins the scope, and kill --all and delete --force end what is in it',
  (t, scope) => {
    const container = sleeper(scope)
    created(t, container)
    container.start()
    const unit = `tsrun-${container.id}.scope`
    t.equal(scope.runtime(['exec', '--detach', container.id, '/bin/sleep', '1000']).status, 0)
    t.equal(
      readFileSync(`${directory(unit)}/cgroup.procs`, 'utf8')
        .trim()
        .split('\n').length,
      2,
    )
    t.equal(container.delete(['--force']).status, 0)
    t.notOk(existsSync(directory(unit)))
  },
  systemd,
)

test(
  'a cgroupsPath of another form is an error that says which form it must have',
  (t, scope) => {
    const container = sleeper(scope, (config) => {
      config.linux.cgroupsPath = '/tsrun/a'
    })
    const { status, stderr } = container.create([], globals)
    t.equal(status, 1)
    t.match(stderr, /expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "\/tsrun\/a"/)
  },
  systemd,
)
