/** Stage 2, plan: what each limit, and the list of devices, is in cgroup v1 (kernel: cgroup-v1/). With cgroup v1 this file goes. Pure. */
import { UnsupportedError } from '../../errors.js'
import { access, formatRule, isTotal, type DeviceRulePlan } from './devices.js'
import { bandwidth, clamped, single } from './properties.js'
import type { CgroupWrite, Limit, LimitId, Row, UnitProperty, Write } from './types.js'
import { inFile, inLine, unifiedRows } from './v2.js'
import { isSayable, strictly } from '../systemd-devices.js'

/** The hierarchy of a controller; their names are lists, such as `cpu,cpuacct`. Undefined when there is none. */
export function legacyHierarchy(v1: Readonly<Record<string, string>>, controller: string): string | undefined {
  const name = controller === 'io' ? 'blkio' : controller
  if (Object.hasOwn(v1, name)) return name
  return Object.keys(v1).find((controllers) => controllers.split(',').includes(name))
}

const amount = ({ value }: Limit): string => (value === 'max' ? '-1' : String(value))

const bytes =
  (file: string, more: Partial<Write> = {}): Row['files'] =>
  (limit) => [{ file, value: amount(limit), ...more }]

/** The bfq scheduler has files of its own, which count where the others are missing. */
function blkio(name: string): Row['files'] {
  return ({ key, value }) => {
    const text = key === undefined ? String(value) : `${key} ${value}`
    const line = key === undefined ? {} : { key, none: `${key} 0` }
    const write = (prefix: string): Write => ({ file: `${prefix}.${name}`, value: text, ...line })
    return [{ ...write('blkio'), otherwise: write('blkio.bfq') }]
  }
}

const throttle = (name: string): Row => ({
  files: (limit, all) =>
    inLine(`blkio.throttle.${name}_device`, '0')(limit.value === 'max' ? { ...limit, value: 0 } : limit, all),
})

/** Each in its place among the writes. */
export const legacyRows: Partial<Record<LimitId, Row>> = {
  ...{ 'cpuset.cpus': unifiedRows['cpuset.cpus'], 'cpuset.mems': unifiedRows['cpuset.mems'] },
  'cpu.shares': { files: inFile('cpu.shares', { retry: true }), unit: clamped('CPUShares', 2n, 262_144n) },
  'cpu.idle': { files: inFile('cpu.idle') },
  'cpu.burst': { files: inFile('cpu.cfs_burst_us', { retry: true }) },
  // The ratio of the two may not exceed the parent's in between either.
  'cpu.period': { files: inFile('cpu.cfs_period_us', { retry: true }), unit: (_, all) => bandwidth(all) },
  'cpu.quota': { files: bytes('cpu.cfs_quota_us'), unit: (_, all) => bandwidth(all) },
  'cpu.realtimePeriod': { files: inFile('cpu.rt_period_us', { retry: true }) },
  'cpu.realtimeRuntime': { files: inFile('cpu.rt_runtime_us') },
  // The limit may never be above that of memory and swap together: which of the two has to be written
  // first depends on their old values, so whichever is rejected comes again after the other.
  'memory.limit': { files: bytes('memory.limit_in_bytes', { retry: true }), unit: single('MemoryLimit') },
  'memory.swap': {
    files: (limit, all) =>
      // Without swap accounting there is nothing to allow.
      bytes('memory.memsw.limit_in_bytes', isUnlimited(all) ? { otherwise: 'skip' } : {})(limit, all),
  },
  'memory.reservation': { files: bytes('memory.soft_limit_in_bytes') },
  'memory.kernelTCP': { files: bytes('memory.kmem.tcp.limit_in_bytes') },
  'memory.disableOOMKiller': { files: inFile('memory.oom_control', { key: 'oom_kill_disable' }) },
  'memory.swappiness': { files: inFile('memory.swappiness') },
  'pids.limit': unifiedRows['pids.limit'],
  'io.weight': { files: blkio('weight'), unit: clamped('BlockIOWeight', 10n, 1000n) },
  'io.leafWeight': { files: blkio('leaf_weight') },
  'io.deviceWeight': { files: blkio('weight_device') },
  'io.deviceLeafWeight': { files: blkio('leaf_weight_device') },
  'io.readBps': throttle('read_bps'),
  'io.writeBps': throttle('write_bps'),
  'io.readIOPS': throttle('read_iops'),
  'io.writeIOPS': throttle('write_iops'),
  'hugetlb.limit': {
    // Reservations since Linux 5.7.
    files: ({ key, value }) => [
      { file: `hugetlb.${key}.limit_in_bytes`, value: String(value) },
      { file: `hugetlb.${key}.rsvd.limit_in_bytes`, value: String(value), otherwise: 'skip' },
    ],
  },
  'rdma.max': unifiedRows['rdma.max'],
  'net_cls.classID': { files: inFile('net_cls.classid') },
  'net_prio.priority': { files: inLine('net_prio.ifpriomap', '0') },
}

const isUnlimited = (all: readonly Limit[]): boolean =>
  all.some(({ controller, limit, value }) => controller === 'memory' && limit === 'limit' && value === 'max')

/** What the devices controller has: whether devices are allowed, and which are not as that says. */
interface LegacyDevices {
  readonly byDefault: boolean
  readonly exceptions: readonly DeviceRulePlan[]
}

/** The rules of a container for it. @throws UnsupportedError for an exception from an exception, which it has not */
export function legacyDevices(rules: readonly DeviceRulePlan[]): LegacyDevices {
  let byDefault = false
  let exceptions: DeviceRulePlan[] = []
  for (const rule of rules) {
    if (isTotal(rule)) {
      byDefault = rule.allow
      exceptions = []
      continue
    }
    for (const type of rule.type === 'a' ? (['b', 'c'] as const) : [rule.type]) {
      exceptions = except(exceptions, { ...rule, type }, byDefault)
    }
  }
  return { byDefault, exceptions }
}

/** Writes for the devices controller. @throws UnsupportedError as `legacyDevices` */
export function deviceWrites(hierarchy: string, rules: readonly DeviceRulePlan[]): CgroupWrite[] {
  const { byDefault, exceptions } = legacyDevices(rules)
  const [start, other] = byDefault ? ['devices.allow', 'devices.deny'] : ['devices.deny', 'devices.allow']
  const value = exceptions.map(formatRule).join('\n')
  return [{ hierarchy, file: start, value: 'a' }, ...(value === '' ? [] : [{ hierarchy, file: other, value }])]
}

const overlaps = (one: number, other: number): boolean => one === -1 || other === -1 || one === other
const covers = (one: number, other: number): boolean => one === -1 || one === other

function except(exceptions: DeviceRulePlan[], rule: DeviceRulePlan, byDefault: boolean): DeviceRulePlan[] {
  if (rule.allow !== byDefault) return [...exceptions, rule]
  return exceptions.flatMap((one) => {
    const touches = one.type === rule.type && overlaps(one.major, rule.major) && overlaps(one.minor, rule.minor)
    if (!touches || access(one.access, (letter) => rule.access.includes(letter)) === '') return [one]
    if (!covers(rule.major, one.major) || !covers(rule.minor, one.minor)) {
      const message = `cgroup v1 cannot have the device rule "${formatRule(rule)}" within "${formatRule(one)}"`
      throw new UnsupportedError('device rule', message)
    }
    const left = access(one.access, (letter) => !rule.access.includes(letter))
    return left === '' ? [] : [{ ...one, access: left }]
  })
}

/**
 * The same where the devices controller of cgroup v1 alone restricts: systemd writes its list anew at a
 * daemon-reload, so the properties must say exactly what the rules do.
 * @throws UnsupportedError for what systemd cannot say
 */
export function legacyDeviceProperties(rules: readonly DeviceRulePlan[]): UnitProperty[] {
  const { byDefault, exceptions } = legacyDevices(rules)
  const unsayable = exceptions.find((rule) => byDefault || !isSayable(rule))
  if (unsayable !== undefined) {
    const message = `systemd on a host with cgroup v1 alone cannot keep the device rule "${unsayable.allow ? 'allow' : 'deny'} ${formatRule(unsayable)}": use the cgroup manager cgroupfs`
    throw new UnsupportedError('device rule', message)
  }
  return byDefault ? [['DevicePolicy', 's', 'auto']] : strictly(exceptions)
}
