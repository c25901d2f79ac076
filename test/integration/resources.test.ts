/** config.json: linux.resources, field by field: the file that it is written to, or why it is refused. */
import { readFileSync } from 'node:fs'
import type { Resources } from 'tsrun'
import { blockDevice, groupOf, hierarchyOf, readGroup } from '../helpers/cgroups.js'
import type { TestConfig } from '../helpers/config.js'
import type { Need } from '../helpers/requires.js'
import { firstLine, noteSeen } from '../helpers/seen.js'
import { test } from '../helpers/test.js'

/** File and content; or what is said instead. */
type Outcome = Readonly<Record<string, string>> | Refused

interface Refused {
  readonly refused: string
}

interface Row {
  /** Its name in cgroup v2, where that has it. */
  readonly controller: string
  readonly resources: Resources
  readonly v1: Outcome
  readonly v2: Outcome
  /** What is said although the container is made. */
  readonly warning?: string
  readonly needs?: readonly Need[]
}

const mebi = 1024 * 1024
const device = blockDevice() ?? { major: 0, minor: 0 }
const dev = `${device.major}:${device.minor}`
const rate = 1000

const notOnV2 = (field: string): Refused => ({ refused: `linux.resources.${field} does not exist on cgroup v2: ` })

/** The same in both versions. */
const both = (outcome: Outcome): Pick<Row, 'v1' | 'v2'> => ({ v1: outcome, v2: outcome })

const memory: Readonly<Record<string, Omit<Row, 'controller'>>> = {
  'memory.limit': {
    resources: { memory: { limit: 64 * mebi } },
    v1: { 'memory.limit_in_bytes': '67108864' },
    v2: { 'memory.max': '67108864', 'memory.swap.max': 'max' },
  },
  'memory.limit -1': {
    resources: { memory: { limit: -1 } },
    v1: { 'memory.limit_in_bytes': '9223372036854771712' },
    v2: { 'memory.max': 'max', 'memory.swap.max': 'max' },
  },
  'memory.swap': {
    resources: { memory: { limit: 64 * mebi, swap: 96 * mebi } },
    v1: { 'memory.memsw.limit_in_bytes': '100663296' },
    v2: { 'memory.swap.max': '33554432' },
  },
  'memory.swap -1': {
    resources: { memory: { limit: 64 * mebi, swap: -1 } },
    v1: { 'memory.limit_in_bytes': '67108864', 'memory.memsw.limit_in_bytes': '9223372036854771712' },
    v2: { 'memory.max': '67108864', 'memory.swap.max': 'max' },
  },
  'memory.reservation': {
    resources: { memory: { reservation: 32 * mebi } },
    v1: { 'memory.soft_limit_in_bytes': '33554432' },
    v2: { 'memory.low': '33554432' },
  },
  'memory.kernel': {
    resources: { memory: { kernel: 8 * mebi } },
    ...both({}),
    warning: 'linux.resources.memory.kernel has no effect: memory.limit counts it',
    needs: ['tsrun'],
  },
  'memory.kernelTCP': {
    resources: { memory: { kernelTCP: 8 * mebi } },
    v1: { 'memory.kmem.tcp.limit_in_bytes': '8388608' },
    v2: notOnV2('memory.kernelTCP'),
  },
  'memory.swappiness': {
    resources: { memory: { swappiness: 30 } },
    v1: { 'memory.swappiness': '30' },
    v2: notOnV2('memory.swappiness'),
  },
  'memory.disableOOMKiller': {
    resources: { memory: { limit: 64 * mebi, disableOOMKiller: true } },
    v1: { 'memory.oom_control': 'oom_kill_disable 1' },
    v2: notOnV2('memory.disableOOMKiller'),
  },
  'memory.useHierarchy': {
    resources: { memory: { limit: 64 * mebi, useHierarchy: true } },
    v1: { 'memory.use_hierarchy': '1' },
    v2: { 'memory.max': '67108864' },
  },
  'memory.checkBeforeUpdate': {
    resources: { memory: { limit: 64 * mebi, checkBeforeUpdate: true } },
    v1: { 'memory.limit_in_bytes': '67108864' },
    v2: { 'memory.max': '67108864' },
  },
  unified: {
    resources: { unified: { 'memory.high': '33554432' } },
    v1: { refused: 'unified resource "memory.high" can\'t be set: controller "memory" not available (not in ' },
    v2: { 'memory.high': '33554432' },
  },
}

const cpu: Readonly<Record<string, Omit<Row, 'controller'>>> = {
  'cpu.shares': {
    resources: { cpu: { shares: 512 } },
    v1: { 'cpu.shares': '512' },
    v2: { 'cpu.weight': '59' },
  },
  'cpu.quota and period': {
    resources: { cpu: { quota: 20000, period: 50000 } },
    v1: { 'cpu.cfs_quota_us': '20000', 'cpu.cfs_period_us': '50000' },
    v2: { 'cpu.max': '20000 50000' },
  },
  'cpu.quota without a period': {
    resources: { cpu: { quota: 20000 } },
    v1: { 'cpu.cfs_quota_us': '20000', 'cpu.cfs_period_us': '100000' },
    v2: { 'cpu.max': '20000 100000' },
  },
  'cpu.period without a quota': {
    resources: { cpu: { period: 50000 } },
    v1: { 'cpu.cfs_quota_us': '-1', 'cpu.cfs_period_us': '50000' },
    v2: { 'cpu.max': 'max 50000' },
  },
  'cpu.burst': {
    resources: { cpu: { quota: 20000, burst: 10000 } },
    v1: { 'cpu.cfs_burst_us': '10000' },
    v2: { 'cpu.max.burst': '10000' },
  },
  'cpu.idle': {
    resources: { cpu: { idle: 1 } },
    ...both({ 'cpu.idle': '1' }),
  },
  'cpu.realtimeRuntime and realtimePeriod': {
    resources: { cpu: { realtimeRuntime: 10000, realtimePeriod: 200000 } },
    v1: { 'cpu.rt_runtime_us': '10000', 'cpu.rt_period_us': '200000' },
    v2: notOnV2('cpu.realtimeRuntime'),
    needs: ['real-time-groups'],
  },
  'cpu.realtimeRuntime without a period': {
    resources: { cpu: { realtimeRuntime: 10000 } },
    v1: { 'cpu.rt_runtime_us': '10000', 'cpu.rt_period_us': '1000000' },
    v2: notOnV2('cpu.realtimeRuntime'),
    needs: ['real-time-groups'],
  },
  'cpu.realtimePeriod without a runtime': {
    resources: { cpu: { realtimePeriod: 200000 } },
    v1: { 'cpu.rt_runtime_us': '0', 'cpu.rt_period_us': '200000' },
    v2: notOnV2('cpu.realtimePeriod'),
    needs: ['real-time-groups'],
  },
}

const io: Readonly<Record<string, Omit<Row, 'controller'>>> = {
  'blockIO.weight': {
    resources: { blockIO: { weight: 200 } },
    v1: { 'blkio.bfq.weight': '200' },
    v2: { 'io.weight': 'default 1920' },
    needs: ['block-weights'],
  },
  'blockIO.leafWeight': {
    resources: { blockIO: { leafWeight: 200 } },
    v1: { refused: 'cannot set blkio.bfq.leaf_weight to "200": ' },
    v2: notOnV2('blockIO.leafWeight'),
    needs: ['tsrun'],
  },
  'blockIO.weightDevice, leafWeight': {
    resources: { blockIO: { weightDevice: [{ ...device, leafWeight: 300 }] } },
    v1: { refused: `cannot set blkio.bfq.leaf_weight_device to "${dev} 300": ` },
    v2: notOnV2('blockIO.weightDevice.0.leafWeight'),
    needs: ['tsrun'],
  },
  'blockIO.throttle{Read,Write}{Bps,IOPS}Device': {
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
    needs: ['block-device'],
  },
}

const of = (controller: string, rows: Readonly<Record<string, Omit<Row, 'controller'>>>): Record<string, Row> =>
  Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, { controller, ...row }]))

const rows: Readonly<Record<string, Row>> = {
  ...of('memory', memory),
  ...of('cpu', cpu),
  ...of('cpuset', {
    'cpu.cpus': { resources: { cpu: { cpus: '0' } }, ...both({ 'cpuset.cpus': '0' }) },
    'cpu.mems': { resources: { cpu: { mems: '0' } }, ...both({ 'cpuset.mems': '0' }) },
  }),
  ...of('pids', {
    'pids.limit': { resources: { pids: { limit: 17 } }, ...both({ 'pids.max': '17' }) },
    'pids.limit 0': { resources: { pids: { limit: 0 } }, ...both({ 'pids.max': '0' }) },
    'pids.limit -1': { resources: { pids: { limit: -1 } }, ...both({ 'pids.max': 'max' }) },
  }),
  ...of('io', io),
  hugepageLimits: {
    controller: 'hugetlb',
    resources: { hugepageLimits: [{ pageSize: '2MB', limit: 4 * mebi }] },
    v1: { 'hugetlb.2MB.limit_in_bytes': '4194304', 'hugetlb.2MB.rsvd.limit_in_bytes': '4194304' },
    v2: { 'hugetlb.2MB.max': '4194304', 'hugetlb.2MB.rsvd.max': '4194304' },
  },
  'unified (hugetlb)': {
    controller: 'hugetlb',
    resources: { unified: { 'hugetlb.2MB.max': '4194304' } },
    v1: { refused: 'unified resource "hugetlb.2MB.max" can\'t be set: controller "hugetlb" not available (not in ' },
    v2: { 'hugetlb.2MB.max': '4194304' },
    needs: ['tsrun'],
  },
  'network.classID': {
    controller: 'net_cls',
    resources: { network: { classID: 0x100001 } },
    ...both({ 'net_cls.classid': '1048577' }),
    needs: ['tsrun'],
  },
  'network.priorities': {
    controller: 'net_prio',
    resources: { network: { priorities: [{ name: 'lo', priority: 5 }] } },
    ...both({ 'net_prio.ifpriomap': 'lo 5' }),
    needs: ['tsrun'],
  },
  'rdma (a device that is not there)': {
    controller: 'rdma',
    resources: { rdma: { mlx5_9: { hcaHandles: 3, hcaObjects: 100 } } },
    ...both({ refused: 'cannot set rdma.max to "mlx5_9 hca_handle=3 hca_object=100": ' }),
    needs: ['tsrun'],
  },
}

const isRefused = (outcome: Outcome): outcome is Refused => 'refused' in outcome

/** The text of a file, or the one line of it that is expected. */
function seenIn(text: string, expected: string): string {
  const several = text.includes('\n') || / /.test(expected)
  return several ? (text.split('\n').find((one) => one.startsWith(expected)) ?? text) : text
}

/** What a refusal says is tsrun's own; without the controller that is what it is about. */
const needsOfRefusal = (controller: string): Need[] =>
  hierarchyOf(controller) === undefined ? ['tsrun'] : ['tsrun', `cgroup:${controller}`]

for (const [field, row] of Object.entries(rows)) {
  const { controller, resources, warning = '', needs = [] } = row
  const version = hierarchyOf(controller)?.version
  const limit = (config: TestConfig): void => {
    config.linux.resources = resources as NonNullable<TestConfig['linux']['resources']>
    config.process.args = ['/bin/true']
  }
  const outcome = row[version === 1 ? 'v1' : 'v2']
  if (version === undefined || isRefused(outcome)) {
    const lacking = `controller "${controller}" `
    test(
      version === undefined
        ? `${field} needs a controller that the host lacks`
        : `${field} is refused, with the reason`,
      (t, scope) => {
        const { status, stderr } = scope.container(limit).create()
        t.equal(status, 1)
        t.ok(stderr.includes(isRefused(outcome) && version !== undefined ? outcome.refused : lacking), stderr)
        noteSeen({ field, controller, refusal: firstLine(stderr) })
      },
      { needs: needsOfRefusal(controller) },
    )
    continue
  }
  test(
    `${field} is in its file when the container is created`,
    (t, scope) => {
      const container = scope.container(limit)
      const log = scope.path('log')
      const globals = warning === '' ? [] : ['--log', log, '--log-level', 'warning']
      t.match(container.create([], { globals }), { status: 0, stderr: '' })
      if (warning !== '') {
        t.ok(readFileSync(log, 'utf8').includes(warning))
        noteSeen({ field, controller, warning })
      }
      const directory = groupOf(container.state().pid, controller)
      for (const [file, expected] of Object.entries(outcome)) {
        const value = seenIn(readGroup(directory, file), expected)
        noteSeen({ field, controller, file, value })
        t.equal(value, expected, file)
      }
    },
    { needs: [`cgroup:${controller}`, ...needs] },
  )
}
