/** Stage 2, plan: which devices the container may use (config-linux.md "Allowed Device list"). */
import type { Linux } from '../../config/types.js'
import { cleanPath } from '../../config/paths.js'
import { UnsupportedError } from '../../errors.js'
import type { CgroupWrite } from './types.js'

/** One rule; of several for the same device and kind of access the last one decides, and without one it is denied. */
export interface DeviceRulePlan {
  readonly allow: boolean
  /** `a` is both others. */
  readonly type: 'a' | 'b' | 'c'
  /** -1: every number. */
  readonly major: number
  readonly minor: number
  /** Letters of `r`ead, `w`rite and `m`knod. */
  readonly access: string
}

/** Largest numbers that the kernel has (MINORBITS of linux/kdev_t.h). */
const largest = { major: 0xfff, minor: 0xfffff } as const

const allow = (type: 'b' | 'c', major: number, minor: number, access = 'rwm'): DeviceRulePlan => ({
  ...{ allow: true, type, major, minor, access },
})

/** What every container may use, as with runc; an entry of `linux.devices` in the place of one takes its rule away. */
const defaultRules: readonly (readonly [rule: DeviceRulePlan, path?: string])[] = [
  // A node that nobody may open is harmless.
  [allow('c', -1, -1, 'm')],
  [allow('b', -1, -1, 'm')],
  [allow('c', 1, 3), '/dev/null'],
  [allow('c', 1, 8), '/dev/random'],
  [allow('c', 1, 7), '/dev/full'],
  [allow('c', 5, 0), '/dev/tty'],
  [allow('c', 1, 5), '/dev/zero'],
  [allow('c', 1, 9), '/dev/urandom'],
  // Terminals of devpts, its ptmx, and tun
  [allow('c', 136, -1)],
  [allow('c', 5, 2)],
  [allow('c', 10, 200)],
]

/** The rules of the config in their order, then the default ones. */
export function planDeviceRules(linux: Linux | undefined): DeviceRulePlan[] {
  const own = (linux?.resources?.devices ?? []).map((rule): DeviceRulePlan => {
    const { type = '', major = -1, minor = -1, access = '' } = rule
    return { allow: rule.allow, type: type === '' ? 'a' : (type as DeviceRulePlan['type']), major, minor, access }
  })
  const replaced = new Set((linux?.devices ?? []).map(({ path }) => cleanPath(path)))
  const defaults = defaultRules.filter(([, path]) => path === undefined || !replaced.has(path)).map(([rule]) => rule)
  // No device has such a number.
  return [...own, ...defaults].filter(({ major, minor }) => major <= largest.major && minor <= largest.minor)
}

const isTotal = ({ type, major, minor, access }: DeviceRulePlan): boolean =>
  type === 'a' && major === -1 && minor === -1 && withAccess(access, 'rwm') === 'rwm'

const letters = ['r', 'w', 'm'] as const

const withAccess = (access: string, within: string): string =>
  letters.filter((one) => access.includes(one) && within.includes(one)).join('')
const withoutAccess = (access: string, removed: string): string =>
  letters.filter((one) => access.includes(one) && !removed.includes(one)).join('')

const overlaps = (one: number, other: number): boolean => one === -1 || other === -1 || one === other
const covers = (one: number, other: number): boolean => one === -1 || one === other

/** What the devices controller of cgroup v1 has: whether devices are allowed, and which are not as that says. */
interface LegacyDevices {
  readonly byDefault: boolean
  readonly exceptions: readonly DeviceRulePlan[]
}

/** The same for cgroup v1. @throws UnsupportedError for an exception from an exception, which it has not */
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

/** Writes for the devices controller of cgroup v1. @throws UnsupportedError as `legacyDevices` */
export function deviceWrites(hierarchy: string, rules: readonly DeviceRulePlan[]): CgroupWrite[] {
  const { byDefault, exceptions } = legacyDevices(rules)
  const [start, other] = byDefault ? ['devices.allow', 'devices.deny'] : ['devices.deny', 'devices.allow']
  const value = exceptions.map(formatRule).join('\n')
  return [{ hierarchy, file: start, value: 'a' }, ...(value === '' ? [] : [{ hierarchy, file: other, value }])]
}

function except(exceptions: DeviceRulePlan[], rule: DeviceRulePlan, byDefault: boolean): DeviceRulePlan[] {
  if (rule.allow !== byDefault) return [...exceptions, rule]
  return exceptions.flatMap((one) => {
    const touches = one.type === rule.type && overlaps(one.major, rule.major) && overlaps(one.minor, rule.minor)
    if (!touches || withAccess(one.access, rule.access) === '') return [one]
    if (!covers(rule.major, one.major) || !covers(rule.minor, one.minor)) {
      const message = `cgroup v1 cannot have the device rule "${formatRule(rule)}" within "${formatRule(one)}"`
      throw new UnsupportedError('device rule', message)
    }
    const access = withoutAccess(one.access, rule.access)
    return access === '' ? [] : [{ ...one, access }]
  })
}

/** As the kernel and people write it: `c 1:3 rwm`, `c 136:* rw`. */
export function formatRule({ type, major, minor, access }: DeviceRulePlan): string {
  const number = (value: number): string => (value === -1 ? '*' : String(value))
  return `${type} ${number(major)}:${number(minor)} ${withAccess(access, 'rwm')}`
}
