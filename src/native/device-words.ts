/** Native: device rules as the addon takes them. */
import type { DeviceRulePlan } from '../plan/resources/devices.js'

/** struct DeviceRule of native/cgroup/device_filter.h, rule after rule. */
export function deviceWords(rules: readonly DeviceRulePlan[]): Uint32Array {
  const types = { a: 0, b: 1, c: 2 } as const
  const access = { m: 1, r: 2, w: 4 } as const
  const words = rules.flatMap((rule) => [
    ...[Number(rule.allow), types[rule.type], rule.major, rule.minor],
    (['m', 'r', 'w'] as const).reduce((bits, one) => (rule.access.includes(one) ? bits | access[one] : bits), 0),
  ])
  return Uint32Array.from(words) // -1, every number, becomes 0xffffffff
}
