/** config.json: linux.resources and linux.cgroupsPath. */
import type { Resources } from 'tsrun'
import { blockDevice, groupOf, hierarchyOf, readGroup, unifiedMount } from '../helpers/cgroups.js'
import type { Change, TestConfig } from '../helpers/config.js'
import type { Container } from '../helpers/container.js'
import { noteSeen } from '../helpers/seen.js'
import { test } from '../helpers/test.js'

const limited =
  (resources: Resources, ...args: string[]): Change =>
  (config) => {
    config.linux.resources = resources as NonNullable<TestConfig['linux']['resources']>
    config.process.args = args.length > 0 ? args : ['/bin/true']
  }

const shell = (script: string): string[] => ['/bin/sh', '-c', script]

/** The cgroup of a created container. */
const group = (container: Container, controller: string): string => groupOf(container.state().pid, controller)

/** The line of a keyed file. */
const line = (text: string, key: string): string => text.split('\n').find((one) => one.startsWith(key)) ?? ''

interface Row {
  readonly controller: string
  readonly resources: Resources
  /** File and content, for each version. */
  readonly v1?: Readonly<Record<string, string>>
  readonly v2?: Readonly<Record<string, string>>
}

const mebi = 1024 * 1024
const device = blockDevice() ?? { major: 0, minor: 0 }
const dev = `${device.major}:${device.minor}`
const rate = 1000

const rows: Readonly<Record<string, Row>> = {
  'memory.limit': {
    controller: 'memory',
    resources: { memory: { limit: 64 * mebi } },
    v1: { 'memory.limit_in_bytes': '67108864' },
    v2: { 'memory.max': '67108864' },
  },
  'memory.swap': {
    controller: 'memory',
    resources: { memory: { limit: 64 * mebi, swap: 96 * mebi } },
    v1: { 'memory.memsw.limit_in_bytes': '100663296' },
    v2: { 'memory.swap.max': '33554432' },
  },
  'memory.reservation': {
    controller: 'memory',
    resources: { memory: { reservation: 32 * mebi } },
    v1: { 'memory.soft_limit_in_bytes': '33554432' },
    v2: { 'memory.low': '33554432' },
  },
  'memory.swappiness, disableOOMKiller, kernelTCP': {
    controller: 'memory',
    resources: { memory: { limit: 64 * mebi, swappiness: 30, disableOOMKiller: true, kernelTCP: 8 * mebi } },
    v1: {
      'memory.swappiness': '30',
      'memory.oom_control': 'oom_kill_disable 1',
      'memory.kmem.tcp.limit_in_bytes': '8388608',
    },
  },
  'cpu.shares': {
    controller: 'cpu',
    resources: { cpu: { shares: 512 } },
    v1: { 'cpu.shares': '512' },
    v2: { 'cpu.weight': '59' },
  },
  'cpu.quota, period and burst': {
    controller: 'cpu',
    resources: { cpu: { quota: 20000, period: 50000, burst: 10000 } },
    v1: { 'cpu.cfs_quota_us': '20000', 'cpu.cfs_period_us': '50000', 'cpu.cfs_burst_us': '10000' },
    v2: { 'cpu.max': '20000 50000', 'cpu.max.burst': '10000' },
  },
  'cpu.quota without a period': {
    controller: 'cpu',
    resources: { cpu: { quota: 20000 } },
    v1: { 'cpu.cfs_quota_us': '20000', 'cpu.cfs_period_us': '100000' },
    v2: { 'cpu.max': '20000 100000' },
  },
  'cpu.period without a quota': {
    controller: 'cpu',
    resources: { cpu: { period: 50000 } },
    v1: { 'cpu.cfs_quota_us': '-1', 'cpu.cfs_period_us': '50000' },
    v2: { 'cpu.max': 'max 50000' },
  },
  'cpu.idle': {
    controller: 'cpu',
    resources: { cpu: { idle: 1 } },
    v1: { 'cpu.idle': '1' },
    v2: { 'cpu.idle': '1' },
  },
  'cpu.cpus and mems': {
    controller: 'cpuset',
    resources: { cpu: { cpus: '0', mems: '0' } },
    v1: { 'cpuset.cpus': '0', 'cpuset.mems': '0' },
    v2: { 'cpuset.cpus': '0', 'cpuset.mems': '0' },
  },
  'pids.limit': {
    controller: 'pids',
    resources: { pids: { limit: 17 } },
    v1: { 'pids.max': '17' },
    v2: { 'pids.max': '17' },
  },
  'pids.limit 0': {
    controller: 'pids',
    resources: { pids: { limit: 0 } },
    v1: { 'pids.max': '0' },
    v2: { 'pids.max': '0' },
  },
  'pids.limit -1': {
    controller: 'pids',
    resources: { pids: { limit: -1 } },
    v1: { 'pids.max': 'max' },
    v2: { 'pids.max': 'max' },
  },
  'blockIO.throttle…': {
    controller: 'io',
    resources: {
      blockIO: {
        throttleReadBpsDevice: [{ ...device, rate: rate * 1024 }],
        throttleWriteBpsDevice: [{ ...device, rate: rate * 2048 }],
        throttleReadIOPSDevice: [{ ...device, rate }],
        throttleWriteIOPSDevice: [{ ...device, rate: rate * 2 }],
      },
    },
    v1: {
      'blkio.throttle.read_bps_device': `${dev} 1024000`,
      'blkio.throttle.write_bps_device': `${dev} 2048000`,
      'blkio.throttle.read_iops_device': `${dev} 1000`,
      'blkio.throttle.write_iops_device': `${dev} 2000`,
    },
    v2: { 'io.max': `${dev} rbps=1024000 wbps=2048000 riops=1000 wiops=2000` },
  },
  hugepageLimits: {
    controller: 'hugetlb',
    resources: { hugepageLimits: [{ pageSize: '2MB', limit: 4 * mebi }] },
    v1: { 'hugetlb.2MB.limit_in_bytes': '4194304', 'hugetlb.2MB.rsvd.limit_in_bytes': '4194304' },
    v2: { 'hugetlb.2MB.max': '4194304', 'hugetlb.2MB.rsvd.max': '4194304' },
  },
  unified: {
    controller: 'memory',
    resources: { unified: { 'memory.high': '33554432' } },
    v2: { 'memory.high': '33554432' },
  },
}

for (const [name, { controller, resources, v1, v2 }] of Object.entries(rows)) {
  const which = v1 === undefined ? '-v2' : v2 === undefined ? '-v1' : ''
  test(
    `${name} is in its file when the container is created`,
    (t, scope) => {
      const container = scope.container(limited(resources))
      t.match(container.create(), { status: 0, stderr: '' })
      const files = hierarchyOf(controller)?.version === 1 ? v1 : v2
      const directory = group(container, controller)
      for (const [file, expected] of Object.entries(files ?? {})) {
        const text = readGroup(directory, file)
        const value = text.includes('\n') || / /.test(expected) ? line(text, expected) : text
        noteSeen({ field: name, controller, file, value })
        t.equal(value, expected, file)
      }
    },
    { needs: [`cgroup${which}:${controller}`, ...(controller === 'io' ? (['block-device'] as const) : [])] },
  )
}

test(
  'an allocation beyond the memory limit is killed',
  (t, scope) => {
    const script = '/bin/busybox dd if=/dev/zero of=/dev/null bs=64M count=1; echo status $?'
    const container = scope.container(limited({ memory: { limit: 16 * mebi, swap: 16 * mebi } }, ...shell(script)))
    container.create()
    const directory = group(container, 'memory')
    container.start()
    container.awaitEnd()
    t.match(container.output.stdout, /^status 137$/m)
    const file = hierarchyOf('memory')?.version === 1 ? 'memory.oom_control' : 'memory.events'
    const kills = line(readGroup(directory, file), 'oom_kill ')
    t.match(kills, /^oom_kill [1-9]/)
    const effect = `a child that fills 64 MiB within 16 MiB ends with status 137, \`${kills}\``
    noteSeen({ field: 'memory.limit', controller: 'memory', effect })
  },
  { needs: ['cgroup:memory'] },
)

test(
  'a fork bomb stops at the pids limit',
  (t, scope) => {
    const script = 'i=0; while [ $i -lt 50 ]; do sleep 1000 & i=$((i+1)); echo $i; done'
    const container = scope.container(limited({ pids: { limit: 8 } }, ...shell(script)))
    container.create()
    const directory = group(container, 'pids')
    container.start()
    container.awaitEnd()
    t.match(container.output.stderr, /can't fork/)
    t.equal(container.output.stdout.trim().split('\n').length, 7, 'the shell is the eighth')
    t.match(readGroup(directory, 'pids.events'), /^max [1-9]/m)
    const effect = 'within 8, a shell can start 7 more: "can\'t fork"'
    noteSeen({ field: 'pids.limit', controller: 'pids', effect })
  },
  { needs: ['cgroup:pids'] },
)

test(
  'with a pids limit of 0 the container runs, and cannot fork',
  (t, scope) => {
    const container = scope.container(limited({ pids: { limit: 0 } }, ...shell('echo here; sleep 0 & echo there')))
    const { stdout, stderr } = container.run()
    t.equal(stdout, 'here\n')
    t.match(stderr, /can't fork/)
    noteSeen({ field: 'pids.limit 0', controller: 'pids', effect: 'runs, and cannot fork' })
  },
  { needs: ['cgroup:pids', 'tsrun'] },
)

test(
  'the CPU quota throttles',
  (t, scope) => {
    const script = 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done'
    const container = scope.container(limited({ cpu: { quota: 10000, period: 100000 } }, ...shell(script)))
    container.create()
    const directory = group(container, 'cpu')
    container.start()
    container.awaitEnd()
    const throttled = line(readGroup(directory, 'cpu.stat'), 'nr_throttled ')
    t.match(throttled, /^nr_throttled [1-9]/)
    const effect = `a loop with a tenth of a CPU: \`${throttled}\``
    noteSeen({ field: 'cpu.quota, period and burst', controller: 'cpu', effect })
  },
  { needs: ['cgroup:cpu'] },
)

test(
  'the container runs on its CPUs only',
  (t, scope) => {
    const container = scope.container(limited({ cpu: { cpus: '0' } }, '/bin/cat', '/proc/self/status'))
    t.match(container.run().stdout, /^Cpus_allowed_list:\t0$/m)
    const effect = '`Cpus_allowed_list: 0` in /proc/self/status'
    noteSeen({ field: 'cpu.cpus and mems', controller: 'cpuset', effect })
  },
  { needs: ['cgroup:cpuset'] },
)

test(
  'a value that the kernel rejects is named with its file and the reason',
  (t, scope) => {
    const container = scope.container(limited({ pids: { limit: 5 }, cpu: { quota: 1 } }))
    const { status, stderr } = container.create()
    t.equal(status, 1)
    const file = hierarchyOf('cpu')?.version === 1 ? 'cpu.cfs_quota_us' : 'cpu.max'
    t.ok(stderr.includes(`cannot set ${file} to "1`), stderr)
    t.ok(stderr.includes(`${container.id}/${file}": invalid argument`), stderr)
  },
  { needs: ['cgroup:cpu', 'cgroup:pids', 'tsrun'] },
)

test(
  'a controller that the host lacks is named, and where it was looked for',
  (t, scope) => {
    const container = scope.container(limited({ network: { classID: 1 }, unified: {} }))
    const { status, stderr } = container.create()
    t.equal(status, 1)
    t.ok(stderr.includes('cgroup controller "net_cls" is not available: '), stderr)
    t.ok(stderr.includes(`not in ${unifiedMount()}/cgroup.controllers`), stderr)
    const other = scope.container(limited({ unified: { 'nothing.max': '1' } }))
    t.match(other.create().stderr, /unified resource "nothing.max" can't be set: controller "nothing" not available/)
  },
  { needs: ['cgroup-unified', 'tsrun'] },
)
