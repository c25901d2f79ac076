/** Images: the config.json of a container from the config of its image (image-spec, conversion.md). Pure. */
import { exampleConfig } from '../config/example.js'
import { defaultSeccomp } from '../config/seccomp-profile.js'
import type { Config, Linux, Mount, NamespaceType, Process, Resources, Seccomp } from '../config/types.js'
import { capabilityNames } from '../config/vocabulary/process.js'
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
  /** Groups beside those of the user, names or numbers. */
  readonly groups?: readonly string[]
  readonly hostname?: string
  readonly domainname?: string
  /** The root file system can only be read; the image's volumes are empty file systems in memory then. */
  readonly readOnly?: boolean
  readonly tty?: boolean
  /** Namespaces that are the host's; of the network otherwise one with nothing in it. */
  readonly shared?: readonly NamespaceType[]
  /** A cgroup namespace also where the host's hierarchy is not v2. */
  readonly cgroupNamespace?: boolean
  readonly mounts?: readonly Mount[]
  /** Bytes of /dev/shm; default 64 MiB. */
  readonly shmSize?: number
  /** Names such as `CAP_NET_ADMIN`, or `ALL`. */
  readonly capAdd?: readonly string[]
  readonly capDrop?: readonly string[]
  /** In the place of Docker's filter for the capabilities. */
  readonly seccomp?: (capabilities: readonly string[]) => Seccomp | undefined
  readonly noNewPrivileges?: boolean
  readonly apparmor?: string
  /** Nothing of /proc and /sys is masked or read-only. */
  readonly openPaths?: boolean
  readonly rlimits?: NonNullable<Process['rlimits']>
  readonly oomScoreAdj?: number
  readonly sysctl?: Readonly<Record<string, string>>
  readonly resources?: Resources
  readonly annotations?: Readonly<Record<string, string>>
}

/** What the config is made for. */
export interface ConversionInputs {
  /** Absolute, or from the bundle on. */
  readonly rootfs: string
  readonly accounts: Accounts
  readonly cgroupNamespace: boolean
  /** In a user namespace the host's sysfs, and what else its owner may not mount, stands for one of its own. */
  readonly inUserNamespace: boolean
  /** Name of the machine in uname(2). */
  readonly machine: string
}

const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
/** What Docker and podman give: enough for package managers and servers. None of them inheritable (CVE-2022-24769). */
const defaultCapabilities = [
  ...['CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'MKNOD', 'NET_RAW', 'SETGID', 'SETUID', 'SETFCAP', 'SETPCAP'],
  ...['NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE'],
].map((name) => `CAP_${name}`)

/**
 * @throws ImageError when nothing says which program to run, for a user that the image does not know, and for a
 * capability that there is not
 */
export function convertConfig(image: ImageConfig, overrides: Overrides, inputs: ConversionInputs): Config {
  const { hostname: ownName, ...base } = exampleConfig({
    cgroupNamespace: overrides.cgroupNamespace ?? inputs.cgroupNamespace,
  })
  const capabilities = capabilitiesOf(overrides)
  const { hostname = ownName, domainname, shared = [] } = overrides
  return {
    ...base,
    process: processOf(image, overrides, inputs, capabilities),
    root: { path: inputs.rootfs, readonly: overrides.readOnly ?? false },
    ...(hostname === undefined || shared.includes('uts') ? {} : { hostname }),
    ...(domainname === undefined ? {} : { domainname }),
    mounts: mountsOf(base.mounts ?? [], image, overrides, inputs),
    annotations: { ...annotationsOf(image), ...overrides.annotations },
    linux: linuxOf(base.linux ?? {}, overrides, inputs, capabilities),
  }
}

function processOf(
  image: ImageConfig,
  overrides: Overrides,
  { accounts }: ConversionInputs,
  capabilities: readonly string[],
): Config['process'] {
  const { Env = [], WorkingDir = '', User = '' } = image.config ?? {}
  const { tty = false, noNewPrivileges = false, apparmor, oomScoreAdj, groups = [] } = overrides
  return {
    terminal: tty,
    user: resolveUser(overrides.user ?? User, accounts, groups),
    args: argsOf(image, overrides),
    env: mergeEnv([defaultPath, ...(tty ? ['TERM=xterm'] : [])], Env, overrides.env ?? []),
    cwd: overrides.workdir ?? (WorkingDir === '' ? '/' : WorkingDir),
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    // Otherwise the caller's own limits.
    rlimits: overrides.rlimits ?? [],
    noNewPrivileges,
    ...(apparmor === undefined ? {} : { apparmorProfile: apparmor }),
    ...(oomScoreAdj === undefined ? {} : { oomScoreAdj }),
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

/** In the order of docker run: ALL first, then what is taken from it, or given. */
function capabilitiesOf({ capAdd = [], capDrop = [] }: Overrides): string[] {
  for (const name of [...capAdd, ...capDrop])
    if (name !== 'ALL' && !(capabilityNames as readonly string[]).includes(name))
      throw new ImageError(`there is no capability ${JSON.stringify(name)} (capabilities(7))`)
  const all = capAdd.includes('ALL') ? capabilityNames : capDrop.includes('ALL') ? [] : defaultCapabilities
  return [...new Set([...all.filter((name) => !capDrop.includes(name)), ...capAdd.filter((name) => name !== 'ALL')])]
}

/** What root of a user namespace may only mount where the namespace of it is its own. */
const hostMounts: Partial<Readonly<Record<NamespaceType, string>>> = {
  network: '/sys',
  pid: '/proc',
  ipc: '/dev/mqueue',
}

function mountsOf(
  base: readonly Mount[],
  image: ImageConfig,
  overrides: Overrides,
  { inUserNamespace }: ConversionInputs,
): Mount[] {
  const { mounts = [], shared = [], shmSize, readOnly = false } = overrides
  const foreign = new Set(inUserNamespace ? shared.map((type) => hostMounts[type]) : [])
  const own = base.map((mount): Mount => {
    const { destination, options = [] } = mount
    if (foreign.has(destination))
      return {
        ...{ destination, type: 'none', source: destination },
        options: ['rbind', 'nosuid', 'noexec', 'nodev', ...(destination === '/sys' ? ['ro'] : [])],
      }
    if (destination !== '/dev/shm' || shmSize === undefined) return mount
    return { ...mount, options: [...options.filter((one) => !one.startsWith('size=')), `size=${shmSize}`] }
  })
  const taken = new Set(mounts.map(({ destination }) => destination))
  return [
    ...own.filter(({ destination }) => !taken.has(destination)),
    ...(readOnly ? volumesOf(image, taken) : []),
    ...mounts,
  ]
}

/** What the image has there is copied up. */
function volumesOf(image: ImageConfig, taken: ReadonlySet<string>): Mount[] {
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
  { namespaces = [], resources, maskedPaths = [], readonlyPaths = [] }: Linux,
  { shared = [], sysctl, openPaths = false, seccomp, ...overrides }: Overrides,
  { inUserNamespace, machine }: ConversionInputs,
  capabilities: readonly string[],
): Linux {
  const filter = seccomp === undefined ? defaultSeccomp(machine, capabilities) : seccomp(capabilities)
  return {
    namespaces: namespaces.filter(({ type }) => !shared.includes(type)),
    resources: { ...(inUserNamespace ? {} : resources), ...overrides.resources },
    ...(openPaths ? {} : { maskedPaths, readonlyPaths }),
    ...(sysctl === undefined ? {} : { sysctl }),
    ...(filter === undefined ? {} : { seccomp: filter }),
  }
}
