/** Stage 2, plan: values of limits as systemd has them (systemd.resource-control(5)). Pure. */
import { valueOf } from './limits.js'
import type { Limit, Row, UnitProperty } from './types.js'

/** What systemd has for no limit. */
export const infinity = 0xffffffffffffffffn

/** A limit as a number. */
export const amountOf = (value: Limit['value']): bigint => (value === 'max' ? infinity : BigInt(value))

/** The value alone in a property. */
export const single =
  (name: string): Row['unit'] & object =>
  ({ value }) => [[name, 't', amountOf(value)]]

/** The same in the range of the property: systemd refuses what the kernel takes for the lowest or highest weight. */
export const clamped =
  (name: string, lowest: bigint, highest: bigint): Row['unit'] & object =>
  ({ value }) => {
    const number = BigInt(value)
    return [[name, 't', number < lowest ? lowest : number > highest ? highest : number]]
  }

/** systemd keeps the quota for a second of time and rounds it down to 10 ms: so it is rounded up before. */
export function bandwidth(all: readonly Limit[]): UnitProperty[] {
  const quota = valueOf(all, 'cpu.quota') ?? 'max'
  const period = BigInt(valueOf(all, 'cpu.period') ?? 100_000)
  const step = 10_000n
  const perSecond = quota === 'max' ? infinity : (BigInt(quota) * 1_000_000n + period - 1n) / period
  const rounded = quota === 'max' ? infinity : ((perSecond + step - 1n) / step) * step
  return [
    ['CPUQuotaPerSecUSec', 't', rounded],
    ['CPUQuotaPeriodUSec', 't', period],
  ]
}

/** The kernel knows no CPU and no memory node above it (CONFIG_NR_CPUS). */
const highestCpu = 8191

/** `0-2,5` as bits, the lowest first; undefined for a list of another form, or one that the kernel won't take. */
function bitmask(list: string): Uint8Array | undefined {
  const ranges = list.split(',').map((part) => /^\s*(\d+)(?:-(\d+))?\s*$/.exec(part))
  const bytes = new Uint8Array((highestCpu + 1) / 8)
  let end = 0
  for (const range of ranges) {
    const first = Number(range?.[1] ?? Infinity)
    const last = Number(range?.[2] ?? first)
    if (last > highestCpu) return undefined
    for (let at = first; at <= last; at++) bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (1 << (at & 7))
    end = Math.max(end, last)
  }
  return bytes.slice(0, (end >> 3) + 1)
}

/** A list of CPUs or nodes; none where only the kernel can tell what the text means. */
export const cpuList =
  (name: string): Row['unit'] & object =>
  ({ value }) => {
    const bits = bitmask(String(value))
    return bits === undefined ? [] : [[name, 'ay', bits]]
  }
