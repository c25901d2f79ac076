/** Images: the config.json of a container from the config of its image (image-spec, conversion.md). Pure. */
import { exampleConfig } from '../config/example.js'
import type { Config, Mount, Namespace, Resources } from '../config/types.js'
import { ImageError } from '../errors.js'
import type { ImageConfig } from './documents.js'
import { type Accounts, resolveUser } from './users.js'

/** What is to be otherwise than the image says; named as the flags of `docker run`. */
export interface Overrides {
  /** In the place of Cmd. */
  readonly args?: readonly string[]
  /** In the place of Entrypoint and Cmd. */
  readonly entrypoint?: readonly string[]
  /** `NAME=value`, over those of the image. */
  readonly env?: readonly string[]
  /** `USER[:GROUP]`, names or numbers. */
  readonly user?: string
  readonly workdir?: string
  readonly hostname?: string
  /** The root file system can only be read; the image's volumes are empty file systems in memory then. */
  readonly readOnly?: boolean
  readonly tty?: boolean
  /** `none`: a network namespace with nothing in it; `host` is the host's. */
  readonly network?: 'none' | 'host'
  readonly mounts?: readonly Mount[]
  /** Names such as `CAP_NET_ADMIN`. */
  readonly capAdd?: readonly string[]
  /** The same, or `ALL`. */
  readonly capDrop?: readonly string[]
  readonly resources?: Resources
  readonly annotations?: Readonly<Record<string, string>>
}

/** What the config is made for. */
export interface ConversionInputs {
  /** Absolute, or from the bundle on. */
  readonly rootfs: string
  readonly accounts: Accounts
  readonly cgroupNamespace: boolean
  /** In a user namespace the sysfs of the host stands for one of its own. */
  readonly inUserNamespace: boolean
}

const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
/** What Docker and podman give: enough for package managers and servers. None of them inheritable (CVE-2022-24769). */
const defaultCapabilities = [
  ...['CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'MKNOD', 'NET_RAW', 'SETGID', 'SETUID', 'SETFCAP', 'SETPCAP'],
  ...['NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE'],
].map((name) => `CAP_${name}`)

/** @throws ImageError when nothing says which program to run, or for a user that the image does not know */
export function convertConfig(image: ImageConfig, overrides: Overrides, inputs: ConversionInputs): Config {
  const { Env = [], WorkingDir = '', User = '' } = image.config ?? {}
  const base = exampleConfig({ cgroupNamespace: inputs.cgroupNamespace })
  const capabilities = capabilitiesOf(overrides)
  const { tty = false, readOnly = false } = overrides
  return {
    ...base,
    process: {
      ...base.process,
      terminal: tty,
      user: resolveUser(overrides.user ?? User, inputs.accounts),
      args: argsOf(image, overrides),
      env: mergeEnv([defaultPath, ...(tty ? ['TERM=xterm'] : [])], Env, overrides.env ?? []),
      cwd: overrides.workdir ?? (WorkingDir === '' ? '/' : WorkingDir),
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      // The caller's own limits.
      rlimits: [],
    },
    root: { path: inputs.rootfs, readonly: readOnly },
    ...(overrides.hostname === undefined ? {} : { hostname: overrides.hostname }),
    mounts: [
      ...(base.mounts ?? []).map(inputs.inUserNamespace && overrides.network === 'host' ? withHostSys : (one) => one),
      ...(readOnly ? volumesOf(image, overrides.mounts ?? []) : []),
      ...(overrides.mounts ?? []),
    ],
    annotations: { ...annotationsOf(image), ...overrides.annotations },
    linux: linuxOf(base, overrides, inputs),
  }
}

function argsOf(image: ImageConfig, { entrypoint, args }: Overrides): readonly string[] {
  const { Entrypoint = [], Cmd = [] } = image.config ?? {}
  // Another entrypoint makes nothing of the image's own arguments.
  const all = entrypoint === undefined ? [...Entrypoint, ...(args ?? Cmd)] : [...entrypoint, ...(args ?? [])]
  if (all.length === 0) throw new ImageError('the image has neither entrypoint nor command: say what to run')
  return all
}

/** The last value of a name, at the place of the first. */
function mergeEnv(...lists: readonly (readonly string[])[]): string[] {
  const values = new Map<string, string>()
  for (const entry of lists.flat()) values.set(entry.split('=', 1)[0] ?? '', entry)
  return [...values.values()]
}

function capabilitiesOf({ capAdd = [], capDrop = [] }: Overrides): string[] {
  const kept = capDrop.includes('ALL') ? [] : defaultCapabilities.filter((name) => !capDrop.includes(name))
  return [...new Set([...kept, ...capAdd])]
}

/** Who runs on the host's network does not own its namespace, and may not mount a sysfs. */
const withHostSys = (mount: Mount): Mount =>
  mount.destination === '/sys'
    ? { destination: '/sys', type: 'none', source: '/sys', options: ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'] }
    : mount

/** What the image has there is copied up. */
function volumesOf(image: ImageConfig, mounts: readonly Mount[]): Mount[] {
  const taken = new Set(mounts.map(({ destination }) => destination))
  return Object.keys(image.config?.Volumes ?? {})
    .filter((destination) => !taken.has(destination))
    .map((destination) => ({
      ...{ destination, type: 'tmpfs', source: 'tmpfs' },
      options: ['nosuid', 'nodev', 'tmpcopyup', 'mode=755'],
    }))
}

/** conversion.md, "Annotation Fields"; labels of the image go first. */
function annotationsOf(image: ImageConfig): Record<string, string> {
  const { StopSignal, ExposedPorts, Labels = {} } = image.config ?? {}
  const found: Readonly<Record<string, string | undefined>> = {
    os: image.os,
    architecture: image.architecture,
    variant: image.variant,
    'os.version': image['os.version'],
    author: image.author,
    created: image.created,
    stopSignal: StopSignal,
    exposedPorts: ExposedPorts === undefined ? undefined : Object.keys(ExposedPorts).join(','),
  }
  const known = Object.entries(found).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[`org.opencontainers.image.${name}`, value] as const],
  )
  return { ...Object.fromEntries(known), ...Labels }
}

function linuxOf(
  base: Config,
  { network, resources }: Overrides,
  { inUserNamespace }: ConversionInputs,
): NonNullable<Config['linux']> {
  const { namespaces = [], resources: own, ...linux } = base.linux ?? {}
  const kept = namespaces.filter(({ type }: Namespace) => network !== 'host' || type !== 'network')
  return { ...linux, namespaces: kept, resources: { ...(inUserNamespace ? {} : own), ...resources } }
}
