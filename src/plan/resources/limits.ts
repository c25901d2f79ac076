/** Stage 2, plan: which limits `linux.resources` sets. Pure. */
import type { Int64, Resources } from '../../config/types.js'
import { ConfigError } from '../../errors.js'
import type { Controller, Limit, LimitId } from './types.js'

/** Makes a limit; none of an undefined value. */
export function limit(id: LimitId, value: Limit['value'] | undefined, key?: string): Limit[] {
  if (value === undefined) return []
  const [controller, name] = id.split('.') as [Controller, string]
  return [{ controller, limit: name, ...(key === undefined ? {} : { key }), value }]
}

/** Name of a limit, without its key. */
export const idOf = ({ controller, limit: name }: Limit): LimitId => `${controller}.${name}` as LimitId

/** The value of a limit that has no key; undefined when it is not set. */
export const valueOf = (limits: readonly Limit[], id: LimitId): Limit['value'] | undefined =>
  limits.find((one) => idOf(one) === id)?.value

/** Limits together with later ones, which win. */
export function mergeLimits(old: readonly Limit[], later: readonly Limit[]): Limit[] {
  const merged = new Map<string, Limit>()
  for (const one of [...old, ...later]) merged.set(`${idOf(one)} ${one.key ?? ''}`, one)
  return [...merged.values()]
}

/** The same when the later ones are a change of a container's limits. */
export function changeLimits(old: readonly Limit[], change: readonly Limit[]): Limit[] {
  const weights: readonly LimitId[] = ['cpu.shares', 'cpu.weight', 'cpu.nice']
  // An idle group has no weight: what it had before is forgotten.
  const kept = valueOf(change, 'cpu.idle') === undefined ? old : old.filter((one) => !weights.includes(idOf(one)))
  return mergeLimits(kept, change)
}

/** Engines write 0 where they mean "not set" (Go's zero value). */
export const isSet = (value: Int64 | undefined): value is Int64 => value !== undefined && BigInt(value) !== 0n

const nonzero = (value: Int64 | undefined): Int64 | undefined => (isSet(value) ? value : undefined)
/** Anything below 0 means unlimited. */
const amount = (value: Int64 | undefined): Int64 | 'max' | undefined =>
  value !== undefined && value < 0 ? 'max' : value

/** The limits of a config or of an update, except those of `unified`. */
export function limitsOf({ cpu = {}, memory = {}, pids = {}, network = {}, ...others }: Resources): Limit[] {
  const unlimited = isSet(memory.limit) && memory.limit < 0
  return [
    ...limit('cpuset.cpus', cpu.cpus || undefined),
    ...limit('cpuset.mems', cpu.mems || undefined),
    ...limit('cpu.shares', nonzero(cpu.shares)),
    ...limit('cpu.idle', cpu.idle),
    ...limit('cpu.burst', cpu.burst),
    ...limit('cpu.period', nonzero(cpu.period)),
    ...limit('cpu.quota', amount(nonzero(cpu.quota))),
    ...limit('cpu.realtimeRuntime', nonzero(cpu.realtimeRuntime)),
    ...limit('cpu.realtimePeriod', nonzero(cpu.realtimePeriod)),
    ...limit('memory.limit', amount(nonzero(memory.limit))),
    // That of swap is counted from that of memory: it goes with it.
    ...limit('memory.swap', amount(nonzero(memory.swap)) ?? (unlimited ? 'max' : undefined)),
    ...limit('memory.reservation', amount(nonzero(memory.reservation))),
    ...limit('memory.kernelTCP', amount(nonzero(memory.kernelTCP))),
    ...limit('memory.disableOOMKiller', memory.disableOOMKiller ? 1 : undefined),
    ...limit('memory.swappiness', memory.swappiness),
    // 0 is a limit like others since runtime-spec 1.3.
    ...limit('pids.limit', amount(pids.limit)),
    ...limitsOfIo(others.blockIO),
    ...(others.hugepageLimits ?? []).flatMap((one) => limit('hugetlb.limit', one.limit, one.pageSize)),
    ...Object.entries(others.rdma ?? {}).flatMap(([device, { hcaHandles, hcaObjects }]) => {
      const handles = hcaHandles === undefined ? [] : [`hca_handle=${hcaHandles}`]
      const objects = hcaObjects === undefined ? [] : [`hca_object=${hcaObjects}`]
      return limit('rdma.max', [...handles, ...objects].join(' ') || undefined, device)
    }),
    ...limit('net_cls.classID', network.classID),
    ...(network.priorities ?? []).flatMap(({ name, priority }) => limit('net_prio.priority', priority, name)),
  ]
}

function limitsOfIo(io: Resources['blockIO'] = {}): Limit[] {
  const throttles = [
    ['io.readBps', io.throttleReadBpsDevice],
    ['io.writeBps', io.throttleWriteBpsDevice],
    ['io.readIOPS', io.throttleReadIOPSDevice],
    ['io.writeIOPS', io.throttleWriteIOPSDevice],
  ] as const
  return [
    ...limit('io.weight', nonzero(io.weight)),
    ...limit('io.leafWeight', nonzero(io.leafWeight)),
    ...(io.weightDevice ?? []).flatMap(({ major, minor, weight, leafWeight }) => [
      ...limit('io.deviceWeight', nonzero(weight), `${major}:${minor}`),
      ...limit('io.deviceLeafWeight', nonzero(leafWeight), `${major}:${minor}`),
    ]),
    // A rate of 0 takes the limit away.
    ...throttles.flatMap(([id, list = []]) =>
      list.flatMap(({ major, minor, rate }) =>
        limit(id, rate === undefined || isSet(rate) ? rate : 'max', `${major}:${minor}`),
      ),
    ),
  ]
}

/** The limit of swap alone, of which config and cgroup v1 count that of memory and swap together. @throws ConfigError */
export function swapAlone(all: readonly Limit[]): bigint | 'max' {
  const swap = valueOf(all, 'memory.swap') ?? 'max'
  const memory = valueOf(all, 'memory.limit') ?? 'max'
  if (swap === 'max') return 'max'
  if (memory === 'max') throw contradiction('memory/swap', 'unable to set swap limit without memory limit')
  const alone = BigInt(swap) - BigInt(memory)
  if (alone < 0n) throw contradiction('memory/swap', 'memory+swap limit should be >= memory limit')
  return alone
}

/** The error for limits that contradict each other, or themselves. */
export function contradiction(path: string, message: string): ConfigError {
  const pointer = `/linux/resources/${path}`
  return new ConfigError(`${pointer}: ${message}`, [{ pointer, message }])
}
