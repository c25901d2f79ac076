/** Stage 2, plan: what the limits of all controllers have in common. */
import type { Int64, Resources } from '../../config/types.js'
import { ConfigError, UnsupportedError } from '../../errors.js'
import type { CgroupWrite } from './types.js'

/** A write whose hierarchy is not yet known. */
export type Write = Omit<CgroupWrite, 'hierarchy'>

/** The interface of a controller: the files of cgroup v1 or those of v2. */
export type Version = 1 | 2

/** The limits of one controller; none when the config asks for nothing. */
export type ControllerPlanner = (resources: Resources, version: Version) => readonly Write[]

/** Engines write 0 where they mean "not set" (Go's zero value). */
export const isSet = (value: Int64 | undefined): value is Int64 => value !== undefined && BigInt(value) !== 0n

/** A limit of cgroup v2: anything below 0 means unlimited. */
export const limitText = (value: Int64): string => (value < 0 ? 'max' : String(value))

/** The error for limits that contradict each other. */
export function contradiction(path: string, message: string): ConfigError {
  const pointer = `/linux/resources/${path}`
  return new ConfigError(`${pointer}: ${message}`, [{ pointer, message }])
}

/** The error for a limit that cgroup v2 doesn't have. */
export function notOnUnified(path: string, instead: string): UnsupportedError {
  const feature = `linux.resources.${path}`
  return new UnsupportedError(feature, `${feature} does not exist on cgroup v2: ${instead}`)
}
