/** Stage 2, plan: which devices the container may use (config-linux.md "Allowed Device list"). */
import type { Linux } from '../../config/types.js'
import { cleanPath } from '../../config/paths.js'

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

const letters = ['r', 'w', 'm'] as const

/** Those letters of an access that are chosen, in the kernel's order. */
export const access = (text: string, isChosen: (letter: string) => boolean = () => true): string =>
  letters.filter((letter) => text.includes(letter) && isChosen(letter)).join('')

/** True for a rule of every device and access: what stands before it has no effect. */
export const isTotal = (rule: DeviceRulePlan): boolean =>
  rule.type === 'a' && rule.major === -1 && rule.minor === -1 && access(rule.access) === 'rwm'

/** As the kernel and people write it: `c 1:3 rwm`, `c 136:* rw`. */
export function formatRule({ type, major, minor, access: text }: DeviceRulePlan): string {
  const number = (value: number): string => (value === -1 ? '*' : String(value))
  return `${type} ${number(major)}:${number(minor)} ${access(text)}`
}
