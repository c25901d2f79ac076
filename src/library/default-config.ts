/** Library: a config that is safe by default, for programs that nobody vouches for. */
import { parseDuration } from '../config/duration.js'
import { exampleConfig } from '../config/example.js'
import { lazily, list, object, oneOf, type Shape } from '../config/schema/shape.js'
import { flag, id, text, textMap } from '../config/schema/values.js'
import { defaultSeccomp } from '../config/seccomp-profile.js'
import { parseSize } from '../config/sizes.js'
import type { Config, Mount, Resources } from '../config/types.js'
import { UnsupportedError } from '../errors.js'
import { machineName, processIds } from '../native/binding.js'
import { defaultRoot } from '../runtime.js'
import { hostView } from './host-view.js'
import { checkNow, document, value } from './options.js'

/** An amount: bytes, or a text such as `256M`. */
export type Size = number | string

/** What a sandbox may use. */
export interface SandboxLimits {
  /** Default 512M, or `unlimited`; there is no swap beside it. */
  readonly memory?: Size
  /** So many CPUs at a time, also a fraction; default: all. */
  readonly cpus?: number
  /** Processes and threads; default 256. */
  readonly pids?: number | 'unlimited'
}

/** What a sandbox is to be. */
export interface SandboxConfig {
  /** Absolute path of a root file system, or `host`: the host's programs, that can only be read. */
  readonly rootfs: string
  readonly args: readonly string[]
  /** By name, beside PATH and HOME. */
  readonly env?: Readonly<Record<string, string>>
  /** Default /tmp, which is empty and can be written to. */
  readonly cwd?: string
  /** Default 65534, `nobody`. */
  readonly user?: { readonly uid: number; readonly gid?: number }
  /** Default `none`: a network namespace with nothing in it. `host` is the host's. */
  readonly network?: 'none' | 'host'
  readonly limits?: SandboxLimits
  /** More mounts, as in a config. */
  readonly mounts?: readonly Mount[]
  /** The root file system can be written to; not the host's. */
  readonly writable?: boolean
  readonly hostname?: string
  readonly terminal?: boolean
  /** Where `host` keeps its folder of mount points; default `defaultRoot()`, of `run` that of its runtime. */
  readonly root?: string
}

const nobody = 65534
const mebibyte = 1 << 20
const defaults = { memory: 512 * mebibyte, pids: 256, tmp: 64 * mebibyte } as const
const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
/** Microseconds in which the CPU time of `cpus` is counted (config-linux.md "CPU"). */
const period = 100_000
const strict = { strict: true }
/** Bytes, or a text that says them. */
export const size: Shape<Size> = value(
  (given) => typeof given === 'string' || (Number.isSafeInteger(given) && (given as number) >= 0),
  'bytes or a text such as "256M"',
)

/** Members of `limits` that the config has. */
export const limitMembers = {
  memory: size,
  cpus: value<number>((given) => typeof given === 'number' && given > 0 && given <= 4096, 'a number above 0'),
  pids: value<number | 'unlimited'>(
    (given) => given === 'unlimited' || (Number.isSafeInteger(given) && (given as number) > 0),
    "an integer above 0, or 'unlimited'",
  ),
}
/** Members of a SandboxConfig but for `limits`; `rootfs` and `args` are required. */
export const sandboxMembers = lazily(() => ({
  ...{ env: textMap, cwd: text, network: oneOf('network', { none: 0, host: 0 }), mounts: list(document) },
  ...{ writable: flag, hostname: text, terminal: flag, root: text },
  user: object({ uid: id }, { gid: id }, strict),
}))
/** Required members of a SandboxConfig. */
export const sandboxRequired = lazily(() => ({ rootfs: text, args: list(text, { min: 1 }) }))
const shape = lazily(() =>
  object(sandboxRequired(), { ...sandboxMembers(), limits: object({}, limitMembers, strict) }, strict),
)

/** @throws UnsupportedError for an image, which nobody has made a root file system of yet */
export function refuseImage(options: unknown): void {
  if (typeof options !== 'object' || options === null || !('image' in options)) return
  throw new UnsupportedError('image', 'images are not unpacked by the library: give its root file system as "rootfs"')
}

/**
 * A config.json that can be looked at and changed: own namespaces, no capabilities, no new privileges, Docker's seccomp
 * filter, masked paths, a root that can only be read with a /tmp of 64 MiB, a user that is not root, no network, and
 * limits. For a caller who isn't root a user namespace maps the caller's own id.
 * @throws UsageError, UnsupportedError for `image`, SyscallError where the folder of `host` cannot be made
 */
export function defaultConfig(options: SandboxConfig): Config {
  refuseImage(options)
  const given = checkNow('defaultConfig', shape(), options)
  const { euid, egid } = processIds()
  const rootless = euid !== 0
  const base = exampleConfig({ rootless, cgroupNamespace: true, uid: euid, gid: egid })
  const host = given.rootfs === 'host' ? hostView(given.root ?? defaultRoot()) : undefined
  const own = rootless ? { uid: 0, gid: 0 } : { uid: nobody, gid: given.user?.gid ?? given.user?.uid ?? nobody }
  const linux = base.linux ?? {}
  return {
    ...base,
    process: {
      args: given.args,
      env: [path, 'HOME=/tmp', ...Object.entries(given.env ?? {}).map(([name, text]) => `${name}=${text}`)],
      cwd: given.cwd ?? '/tmp',
      user: { ...own, ...given.user },
      terminal: given.terminal ?? false,
      capabilities: { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] },
      rlimits: [
        { type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 },
        { type: 'RLIMIT_CORE', hard: 0, soft: 0 },
      ],
      noNewPrivileges: true,
      oomScoreAdj: 500,
    },
    root: { path: host?.path ?? given.rootfs, readonly: host !== undefined || given.writable !== true },
    hostname: given.hostname ?? 'sandbox',
    mounts: [...(host?.mounts ?? []), ...(base.mounts ?? []), tmp, ...(given.mounts ?? [])],
    linux: {
      ...linux,
      namespaces: [
        ...(linux.namespaces ?? []).filter(({ type }) => type !== 'network'),
        ...(given.network === 'host' ? [] : [{ type: 'network' as const }]),
      ],
      resources: { ...(rootless ? {} : linux.resources), ...resources(given.limits ?? {}) },
      seccomp: defaultSeccomp(machineName()),
    },
  }
}

const tmp: Mount = {
  destination: '/tmp',
  type: 'tmpfs',
  source: 'tmpfs',
  options: ['nosuid', 'nodev', 'mode=1777', `size=${defaults.tmp}`],
}

function resources({ memory = defaults.memory, cpus, pids = defaults.pids }: SandboxLimits): Resources {
  const bytes = memory === 'unlimited' ? undefined : sizeOf('limits.memory', memory)
  return {
    ...(bytes === undefined ? {} : { memory: { limit: bytes, swap: bytes } }),
    ...(cpus === undefined ? {} : { cpu: { quota: Math.max(1000, Math.round(cpus * period)), period } }),
    ...(pids === 'unlimited' ? {} : { pids: { limit: pids } }),
  }
}

/** Bytes. @throws UsageError */
export const sizeOf = (name: string, given: Size): number =>
  typeof given === 'number' ? given : parseSize(name, given)

/** Milliseconds of a number or of a text such as `5s`. @throws UsageError */
export const durationOf = (name: string, given: number | string): number =>
  typeof given === 'number' ? given : parseDuration(name, given)
