/** Stage 2, plan: limits and device rules as properties of a unit (systemd.resource-control(5)). Pure. */
import { UnsupportedError } from '../errors.js'
import { formatRule, legacyDevices, type DeviceRulePlan } from './resources/devices.js'
import type { CgroupWrite } from './resources/types.js'

/** A property as D-Bus has it: name, type and value. 64-bit integers (`t`, `x`) are bigint. */
export type UnitProperty = readonly [name: string, signature: string, value: unknown]

const infinity = 0xffffffffffffffffn
const amount = (text: string): bigint => (text === 'max' || text.startsWith('-') ? infinity : BigInt(text))

type Translation = (value: string) => UnitProperty[]

const single =
  (name: string): Translation =>
  (value) => [[name, 't', amount(value)]]

const cpuList =
  (name: string): Translation =>
  (value) => [[name, 'ay', bitmask(value)]]

/** systemd refuses what the kernel takes for the lowest or highest weight. */
const weight =
  (name: string, lowest: bigint, highest: bigint): Translation =>
  (value) => {
    const number = BigInt(value)
    return [[name, 't', number < lowest ? lowest : number > highest ? highest : number]]
  }

/**
 * What systemd knows of the files of cgroup v2, then of those of v1. All others are written beside it: the
 * scope is delegated.
 */
const translations: Readonly<Record<string, Translation>> = {
  'memory.max': single('MemoryMax'),
  'memory.low': single('MemoryLow'),
  'memory.min': single('MemoryMin'),
  'memory.high': single('MemoryHigh'),
  'memory.swap.max': single('MemorySwapMax'),
  'pids.max': single('TasksMax'),
  'cpu.weight': single('CPUWeight'),
  'cpu.max': cpuBandwidth,
  'cpuset.cpus': cpuList('AllowedCPUs'),
  'cpuset.mems': cpuList('AllowedMemoryNodes'),
  'io.weight': (value) =>
    /^(default )?\d+$/.test(value) ? [['IOWeight', 't', BigInt(value.replace('default ', ''))]] : [],
  'memory.limit_in_bytes': single('MemoryLimit'),
  'cpu.shares': weight('CPUShares', 2n, 262_144n),
  'blkio.weight': weight('BlockIOWeight', 10n, 1000n),
}

/** The two files that cgroup v1 has for it, as the one of v2. */
function withBandwidth(writes: readonly CgroupWrite[]): readonly CgroupWrite[] {
  const valueOf = (name: string): string | undefined => writes.find(({ file }) => file === name)?.value
  const quota = valueOf('cpu.cfs_quota_us')
  const period = valueOf('cpu.cfs_period_us')
  if (quota === undefined && period === undefined) return writes
  const limit = quota === undefined || quota === '-1' ? 'max' : quota
  return [...writes, { hierarchy: '', file: 'cpu.max', value: period === undefined ? limit : `${limit} ${period}` }]
}

/** Properties that say the same as these writes; none for a file that systemd does not know. */
export function limitProperties(writes: readonly CgroupWrite[]): UnitProperty[] {
  const properties = new Map<string, UnitProperty>()
  for (const write of withBandwidth(writes)) {
    // io.bfq.weight: it is the other weight that systemd takes, and makes that of bfq of it.
    const { file, value } = translations[write.file] || typeof write.otherwise !== 'object' ? write : write.otherwise
    for (const property of translations[file]?.(value) ?? []) properties.set(property[0], property)
  }
  return [...properties.values()]
}

/** Properties that systemd has since a version. */
export interface NewerProperties {
  readonly since: number
  readonly of: (writes: readonly CgroupWrite[]) => UnitProperty[]
}

/** cpu.idle, which systemd takes for a weight; without it systemd writes 0. It can be changed. */
export const cpuIdle: NewerProperties = {
  since: 252,
  of(writes) {
    const idle = writes.find(({ hierarchy, file }) => hierarchy === '' && file === 'cpu.idle')?.value
    if (idle === '1') return [['CPUWeight', 't', 0n]]
    const takesWeight = idle !== undefined && !writes.some(({ file }) => file === 'cpu.weight')
    return takesWeight ? [['CPUWeight', 't', infinity]] : []
  },
}

/** memory.oom.group of a scope, where systemd would otherwise write 0. It cannot be changed. */
export const oomPolicy: NewerProperties = {
  since: 253,
  of: (writes) =>
    writes
      .filter(({ file }) => file === 'memory.oom.group')
      .map(({ value }) => ['OOMPolicy', 's', value === '1' ? 'kill' : 'continue']),
}

/**
 * Files that systemd writes whenever it sees to a unit, with values that need not be those of the container: it rounds
 * the quota, makes a weight of bfq from another one, and knows the rest only in newer versions.
 */
export const inexactFiles = {
  unified: ['cpu.max', 'cpu.idle', 'io.weight', 'io.bfq.weight', 'memory.oom.group'],
  v1: ['cpu.cfs_quota_us', 'blkio.weight', 'blkio.bfq.weight'],
} as const

/** systemd keeps the quota for a second of time and rounds it down to 10 ms: so it is rounded up before. */
function cpuBandwidth(value: string): UnitProperty[] {
  const [quota = 'max', period = '100000'] = value.split(' ')
  const perSecond = quota === 'max' ? infinity : (BigInt(quota) * 1_000_000n + BigInt(period) - 1n) / BigInt(period)
  const step = 10_000n
  const rounded = perSecond === infinity ? infinity : ((perSecond + step - 1n) / step) * step
  return [
    ['CPUQuotaPerSecUSec', 't', rounded],
    ['CPUQuotaPeriodUSec', 't', BigInt(period)],
  ]
}

/** `0-2,5` as bits, the lowest first. */
function bitmask(list: string): Uint8Array {
  const numbers = list.split(',').flatMap((part) => {
    const [first = 0, last = first] = part.trim().split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, i) => first + i)
  })
  const bytes = new Uint8Array(Math.floor(Math.max(0, ...numbers) / 8) + 1)
  for (const number of numbers) bytes[number >> 3] = (bytes[number >> 3] ?? 0) | (1 << (number & 7))
  return bytes
}

const isTotal = ({ type, major, minor, access }: DeviceRulePlan): boolean =>
  type === 'a' && major === -1 && minor === -1 && ['r', 'w', 'm'].every((letter) => access.includes(letter))

/**
 * DevicePolicy and DeviceAllow. systemd's program for devices runs beside tsrun's own, which has the
 * exact rules, so it may allow more but never less: exceptions from what is allowed are left out, and
 * where devices are allowed by default systemd restricts nothing.
 */
export function deviceProperties(rules: readonly DeviceRulePlan[]): UnitProperty[] {
  let byDefault = false
  let allowed: DeviceRulePlan[] = []
  for (const rule of rules) {
    if (isTotal(rule)) byDefault = rule.allow
    if (isTotal(rule)) allowed = []
    else if (rule.allow) allowed.push(rule)
  }
  const kinds = ['b', 'c'] as const
  const named = allowed.flatMap((rule) => (rule.type === 'a' ? kinds.map((type) => ({ ...rule, type })) : [rule]))
  return byDefault || !named.every(isSayable) ? [['DevicePolicy', 's', 'auto']] : strictly(named)
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

/** A list has no word for one minor number of all majors. */
const isSayable = ({ major, minor }: DeviceRulePlan): boolean => major !== -1 || minor === -1

/** systemd takes the last of several entries for the same devices, not all of them: so each is said once. */
function strictly(allowed: readonly DeviceRulePlan[]): UnitProperty[] {
  const entries = new Map<string, string>()
  for (const rule of allowed) {
    const name = deviceName(rule)
    entries.set(name, unite(entries.get(name) ?? '', rule.access))
  }
  return [
    ['DevicePolicy', 's', 'strict'],
    ['DeviceAllow', 'a(ss)', [...entries]],
  ]
}

const unite = (one: string, other: string): string =>
  ['r', 'w', 'm'].filter((letter) => one.includes(letter) || other.includes(letter)).join('')

function deviceName({ type, major, minor }: DeviceRulePlan): string {
  const kind = type === 'b' ? 'block' : 'char'
  // Where systemd.resource-control(5) has a driver's name from /proc/devices, systemd takes its number too.
  if (major === -1) return `${kind}-*`
  return minor === -1 ? `${kind}-${major}` : `/dev/${kind}/${major}:${minor}`
}
