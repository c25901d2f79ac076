/** Limits of containers whose cgroups systemd makes. In virtual machines where systemd is process 1, with either version of cgroups; see scripts/test-vm.mjs. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { groupOf, hierarchyOf, readGroup } from '../helpers/cgroups.js'
import {
  cgroupsOf,
  create,
  directoryOf,
  everywhereAt,
  globals,
  reloadUnits,
  show,
  sleeper,
} from '../helpers/systemd.js'
import { testWith } from '../helpers/test.js'

const test = testWith('systemd', 'tsrun')

test(
  'limits are properties of the scope, and update changes them there too (cgroup v2)',
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
    create(t, container)
    const unit = `limits-${scope.word}.scope`
    const at = directoryOf(unit, 'tsrun.slice/tsrun-test.slice')
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

    reloadUnits()
    t.same(['memory.max', 'pids.max'].map(read), ['67108864', '11'], 'systemd knows them, also after a reload')
    t.comment(status())
    t.match(status(), /Tasks: 1 \(limit: 11\)/)
    container.delete(['--force'])
  },
  { needs: ['cgroup-v2'] },
)

test(
  'limits are properties of the scope, and update changes them there too (cgroup v1)',
  (t, scope) => {
    const container = sleeper(scope, (config) => {
      config.linux.cgroupsPath = `tsrun-test.slice:limits:${scope.word}`
      config.linux.resources = { pids: { limit: 7 }, cpu: { shares: 512, quota: 25000, period: 50000 } }
    })
    create(t, container)
    const unit = `limits-${scope.word}.scope`
    const names = ['TasksMax', 'CPUShares', 'CPUQuotaPerSecUSec', 'CPUQuotaPeriodUSec'] as const
    t.match(show(unit, ...names), {
      ...{ TasksMax: '7', CPUShares: '512', CPUQuotaPerSecUSec: '500ms', CPUQuotaPeriodUSec: '50ms' },
    })
    const { pid } = container.state()
    const read = (): string[] => [
      readGroup(groupOf(pid, 'pids'), 'pids.max'),
      ...['cpu.shares', 'cpu.cfs_quota_us', 'cpu.cfs_period_us'].map((file) => readGroup(groupOf(pid, 'cpu'), file)),
    ]
    t.same(read(), ['7', '512', '25000', '50000'])
    t.same(cgroupsOf(pid), everywhereAt(`/tsrun.slice/tsrun-test.slice/${unit}`))
    const status = (): string => spawnSync('systemctl', ['status', '--no-pager', unit], { encoding: 'utf8' }).stdout
    t.comment(status())

    container.start()
    const args = ['update', '--pids-limit', '11', '--cpu-quota', '50000', '--cpu-share', '256', container.id]
    t.equal(scope.runtime(args).status, 0, 'update, without the flag')
    t.match(show(unit, ...names), { TasksMax: '11', CPUShares: '256', CPUQuotaPerSecUSec: '1s' })
    t.same(read(), ['11', '256', '50000', '50000'])

    reloadUnits()
    t.same(read(), ['11', '256', '50000', '50000'], 'systemd knows them, also after a reload')
    t.match(status(), /Tasks: 1 \(limit: 11\)/)
    t.comment(status())
    container.delete(['--force'])
  },
  { needs: ['cgroup-v1'] },
)

test(
  'what systemd does not know of cgroup v1 is limited too, beside the memory that it knows',
  (t, scope) => {
    const container = sleeper(scope, (config) => {
      config.linux.resources = {
        memory: { limit: 33554432, reservation: 16777216, swap: 67108864 },
        cpu: { cpus: '1' },
        network: { classID: 1048577 },
      }
    })
    create(t, container)
    const unit = `tsrun-${container.id}.scope`
    const { pid } = container.state()
    const memory = groupOf(pid, 'memory')
    const read = (): string[] => [
      readGroup(memory, 'memory.limit_in_bytes'),
      readGroup(memory, 'memory.soft_limit_in_bytes'),
      readGroup(memory, 'memory.memsw.limit_in_bytes'),
      readGroup(groupOf(pid, 'cpuset'), 'cpuset.cpus'),
      readGroup(groupOf(pid, 'net_cls'), 'net_cls.classid'),
    ]
    t.same(read(), ['33554432', '16777216', '67108864', '1', '1048577'])
    t.equal(show(unit, 'MemoryLimit').MemoryLimit, '33554432')
    t.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /^Cpus_allowed_list:\t1$/m)

    container.start()
    const args = ['update', '--memory', '50331648', '--cpuset-cpus', '0', container.id]
    t.equal(scope.runtime(args).status, 0)
    t.equal(show(unit, 'MemoryLimit').MemoryLimit, '50331648')
    reloadUnits()
    t.same(read(), ['50331648', '16777216', '67108864', '0', '1048577'])
    t.same(cgroupsOf(pid), everywhereAt(`/system.slice/${unit}`))
    container.delete(['--force'])
  },
  { needs: ['cgroup-v1:memory', 'cgroup-v1:cpuset', 'cgroup-v1:net_cls'] },
)

test('a quota that systemd rounds and an idle group stay as the config has them', (t, scope) => {
  const container = sleeper(scope, (config) => {
    config.linux.resources = { cpu: { idle: 1, quota: 33333, period: 100000 } }
  })
  create(t, container)
  const group = groupOf(container.state().pid, 'cpu')
  const quota = hierarchyOf('cpu')?.version === 2 ? ['cpu.max', '33333 100000'] : ['cpu.cfs_quota_us', '33333']
  const read = (): string[] => ['cpu.idle', quota[0] ?? ''].map((file) => readGroup(group, file))
  t.same(read(), ['1', quota[1]])
  t.equal(scope.runtime(['update', '--pids-limit', '11', container.id]).status, 0)
  t.same(read(), ['1', quota[1]])
  reloadUnits()
  t.equal(readGroup(group, 'cpu.idle'), '1')
  t.equal(scope.runtime(['update', '--cpu-idle', '0', '--cpu-quota', '44444', container.id]).status, 0)
  t.same(read(), ['0', quota[1]?.replace('33333', '44444')])
})

test(
  'after a daemon-reload a quota is what systemd keeps of it, whole percents, until an update of it',
  (t, scope) => {
    const container = sleeper(scope, (config) => {
      config.linux.resources = { cpu: { quota: 33333, period: 100000 } }
    })
    create(t, container)
    const group = groupOf(container.state().pid, 'cpu')
    const read = (): string => readGroup(group, 'cpu.max')
    t.equal(read(), '33333 100000')
    reloadUnits()
    t.equal(read(), '34000 100000')
    t.equal(scope.runtime(['update', '--cpu-quota', '44444', container.id]).status, 0)
    t.equal(read(), '44444 100000')
  },
  { needs: ['cgroup-v2'] },
)

test('devices stay as they were when systemd reloads its units', (t, scope) => {
  const attempts = [
    '(: > /dev/null) && echo null',
    '(: > /dev/kmsg) && echo kmsg',
    '(: < /dev/kmsg) || echo not to be read',
    'mknod /dev/a b 7 0 && echo made',
    '(: < /dev/a) || echo not to be opened; rm /dev/a',
  ].join('; ')
  const container = scope.container((config) => {
    config.process.args = ['/bin/sh', '-c', `${attempts}; read x < /go; ${attempts}`]
    const kmsg = { type: 'c', major: 1, minor: 11 } as const
    config.linux.devices = [{ path: '/dev/kmsg', ...kmsg, fileMode: 0o666 }]
    config.linux.resources = {
      devices: [{ allow: false, access: 'rwm' }, ...['w', 'm'].map((access) => ({ allow: true, ...kmsg, access }))],
    }
  })
  const go = container.fifo('go')
  create(t, container)
  const unit = `tsrun-${container.id}.scope`
  t.equal(show(unit, 'DevicePolicy').DevicePolicy, 'strict')
  container.start()
  reloadUnits()
  go.write('\n')
  container.awaitEnd()
  const seen = ['null', 'kmsg', 'not to be read', 'made', 'not to be opened']
  t.same(container.output.stdout.trim().split('\n'), [...seen, ...seen])
})

test(
  'rules for devices that systemd would not keep with cgroup v1 alone are an error',
  (t, scope) => {
    const container = sleeper(scope, (config) => {
      config.linux.resources = {
        devices: [
          { allow: true, access: 'rwm' },
          { allow: false, type: 'c', major: 1, minor: 11, access: 'w' },
        ],
      }
    })
    const { status, stderr } = container.create([], globals)
    t.equal(status, 1)
    t.match(stderr, /cannot keep the device rule "deny c 1:11 w"/)
    t.same(scope.leftovers(), [])
  },
  { needs: ['cgroup-v1-alone'] },
)

test('a limit that the kernel rejects fails the create, and nothing is left', (t, scope) => {
  const container = sleeper(scope, (config) => {
    config.linux.resources = { cpu: { quota: 1 } }
  })
  const { status, stderr } = container.create([], globals)
  t.equal(status, 1)
  t.match(stderr, /cannot set cpu\.(max|cfs_quota_us) to /)
  t.same(scope.leftovers(), [])
  t.equal(show(`tsrun-${container.id}.scope`, 'LoadState').LoadState, 'not-found')
})

test(
  'a list of more CPUs than there can be is refused at once',
  (t, scope) => {
    const container = sleeper(scope, (config) => {
      config.linux.resources = { cpu: { cpus: '0-100000000' } }
    })
    const { status, stderr, ms } = container.create([], globals)
    t.equal(status, 1)
    t.match(stderr, /0-100000000/)
    t.ok(ms < 20_000, `${ms} ms`)
    t.same(scope.leftovers(), [])
  },
  { needs: ['cgroup:cpuset'] },
)
