/** Stage 2, plan: device rules as properties of a scope (systemd.resource-control(5)). Pure. */
import { access, isTotal, type DeviceRulePlan } from './resources/devices.js'
import type { UnitProperty } from './resources/types.js'

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

/** A list has no word for one minor number of all majors. */
export const isSayable = ({ major, minor }: DeviceRulePlan): boolean => major !== -1 || minor === -1

/** systemd takes the last of several entries for the same devices, not all of them: so each is said once. */
export function strictly(allowed: readonly DeviceRulePlan[]): UnitProperty[] {
  const entries = new Map<string, string>()
  for (const rule of allowed) {
    const name = deviceName(rule)
    entries.set(name, access(`${entries.get(name) ?? ''}${rule.access}`))
  }
  return [
    ['DevicePolicy', 's', 'strict'],
    ['DeviceAllow', 'a(ss)', [...entries]],
  ]
}

function deviceName({ type, major, minor }: DeviceRulePlan): string {
  const kind = type === 'b' ? 'block' : 'char'
  // Where systemd.resource-control(5) has a driver's name from /proc/devices, systemd takes its number too.
  if (major === -1) return `${kind}-*`
  return minor === -1 ? `${kind}-${major}` : `/dev/${kind}/${major}:${minor}`
}
