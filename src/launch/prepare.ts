/** Stage 4, launch: from a bundle to a plan, and what the caller's options must fulfil. */
import { cleanPath } from '../config/paths.js'
import { stringifyConfig } from '../config/stringify.js'
import type { Config, Process } from '../config/types.js'
import { ConfigError, UsageError } from '../errors.js'
import { probeHost } from '../host/facts.js'
import { assertHostStaysOutside } from '../host/namespaces.js'
import { fileInfo, hasErrno, readJsonText, realPath } from '../native/binding.js'
import { compilePlan } from '../plan/compile.js'
import type { SeccompRequest } from '../plan/seccomp.js'
import type { CgroupManager, CgroupPlan, LaunchPlan } from '../plan/types.js'
import { withNotifySocket } from './notify.js'

/** What `create`, `run` and `plan` take. */
export interface CreateOptions {
  /** Directory of config.json and of what its relative paths start from. */
  readonly bundle: string
  /** Used instead of `<bundle>/config.json`; a parsed document, checked the same way. */
  readonly config?: Config
  /** Unix socket that receives the terminal's ptmx; required for a terminal that is not in the foreground. */
  readonly consoleSocket?: string
  /** Unix socket that receives a pidfd of init. */
  readonly pidfdSocket?: string
  /** File that receives init's pid. */
  readonly pidFile?: string
  /** Descriptors that become standard input, output and error; default 0, 1, 2. */
  readonly stdio?: readonly [number, number, number]
  /** Descriptors 3 … 2 + preserveFds of this process are passed to the container. */
  readonly preserveFds?: number
  /** Datagram socket of a manager (sd_notify(3)): learns from `start` or `run` when the container is ready. */
  readonly notifySocket?: string
  /** Descriptors from 3 on of socket activation: passed before those of `preserveFds`, and told in LISTEN_FDS. */
  readonly listenFds?: number
  /** Move the root instead of pivot_root(2), for a root on a ramfs. */
  readonly noPivot?: boolean
  /** Keep the caller's session keyring. */
  readonly noNewKeyring?: boolean
}

/** A config with all that was found out about it. */
export interface Prepared {
  readonly config: Config
  /** Text of the config, for the copy in the state directory. */
  readonly configText: string
  readonly bundle: string
  readonly rootfs: string
  /** Name of its session keyring; undefined where it keeps the caller's. */
  readonly keyring?: string
  readonly plan: LaunchPlan
  /** The plan for a container that has only these of its cgroups; in the other hierarchies it stays in the runtime's. */
  readonly planWithin: (cgroup: CgroupPlan) => LaunchPlan
}

/** The absolute path of a bundle, without symbolic links. @throws UsageError */
export function findBundle(path: string): string {
  try {
    return realPath(path)
  } catch (cause) {
    throw new UsageError('cannot use the bundle', { cause })
  }
}

/**
 * The pid file is renamed into place, which must not take the place of a device such as /dev/stderr.
 * @throws UsageError for what is neither a file nor a link
 */
export function checkPidFile(path: string | undefined): void {
  if (path === undefined || path === '') return
  const type = fileInfo(path)?.type ?? 'file'
  if (type === 'file' || type === 'link') return
  const what = type === 'other' ? 'device or a pipe' : type
  throw new UsageError(`the pid file ${JSON.stringify(path)} is a ${what}`)
}

/** The text of a bundle's config.json. @throws ConfigError, SyscallError */
export function readConfigText(bundle: string): string {
  const path = `${bundle}/config.json`
  try {
    return readJsonText(path)
  } catch (cause) {
    if (!hasErrno(cause, 'ENOENT')) throw cause
    throw new ConfigError(`no config.json in bundle "${bundle}" (make one with: tsrun spec)`, [], { cause })
  }
}

/** The rootfs must be a directory, named without symbolic links: what a link points to can change. */
function findRootfs(config: Config, bundle: string): string {
  const path = config.root.path.startsWith('/')
    ? cleanPath(config.root.path)
    : cleanPath(`${bundle}/${config.root.path}`)
  const info = fileInfo(path)
  const problem = (message: string): ConfigError => ConfigError.from([{ pointer: '/root/path', message }])
  if (info === undefined) throw problem(`"${path}" does not exist`)
  if (info.type === 'link') throw problem(`"${path}" is a symbolic link`)
  if (info.type !== 'directory') throw problem(`"${path}" is not a directory`)
  if (realPath(path) !== path) throw problem(`"${path}" leads through a symbolic link`)
  return path
}

/** @throws UsageError for a console socket without need, or a need without one */
export function checkConsole(
  process: Process,
  options: Pick<CreateOptions, 'consoleSocket'>,
  foreground: boolean,
): void {
  const terminal = process.terminal === true
  const given = options.consoleSocket !== undefined && options.consoleSocket !== ''
  if (terminal && !foreground && !given) {
    throw new UsageError('cannot allocate tty if tsrun will detach without setting console socket')
  }
  if (given && (!terminal || foreground)) {
    throw new UsageError('cannot use console socket if tsrun will not detach or allocate tty')
  }
}

/** What planning gets from the runtime. */
export interface PlanInputs {
  readonly cgroupManager: CgroupManager
  /** From the rules of linux.seccomp to struct sock_filter[]. */
  readonly compileSeccomp: (request: SeccompRequest) => Uint8Array
  /** Plans what root would do, whoever asks: for looking at a plan. */
  readonly asRoot?: boolean
  /** Where the container's notify socket will be, if it gets one. */
  readonly notifyDirectory?: string
  /** Name of the container's session keyring. */
  readonly keyring?: string
  /** The config as text, in the place of the one of the options. */
  readonly configText?: string
}

/**
 * Reads and checks the config of a bundle and plans its container. Touches nothing.
 * @throws ConfigError, UnsupportedError, SyscallError
 */
export async function prepare(id: string, options: CreateOptions, inputs: PlanInputs): Promise<Prepared> {
  const { cgroupManager, compileSeccomp, notifyDirectory } = inputs
  const bundle = findBundle(options.bundle)
  const configText = inputs.configText ?? (options.config ? stringifyConfig(options.config) : readConfigText(bundle))
  const { loadConfig, withoutRootfsPrefix } = await import('../config/load.js')
  const written = await loadConfig(configText)
  const rootfs = findRootfs(written, bundle)
  const loaded = await withoutRootfsPrefix(written, rootfs)
  const config = notifyDirectory === undefined ? loaded : withNotifySocket(loaded, notifyDirectory)
  assertHostStaysOutside(config)
  const { apparmorProfile, selinuxLabel } = config.process
  const probed = probeHost({
    apparmor: Boolean(apparmorProfile),
    selinux: Boolean(selinuxLabel) || Boolean(config.linux?.mountLabel),
    resctrl: config.linux?.intelRdt !== undefined,
    pidNamespace: config.linux?.namespaces?.some(({ type, path }) => type === 'pid' && path) === true,
  })
  const facts = inputs.asRoot ? { ...probed, euid: 0, egid: 0, inUserNamespace: false } : probed
  const planOptions = {
    noPivot: options.noPivot ?? false,
    noNewKeyring: options.noNewKeyring ?? false,
    ...(inputs.keyring === undefined ? {} : { keyring: inputs.keyring }),
    preserveFds: options.preserveFds ?? 0,
    listenFds: options.listenFds ?? 0,
    waitForStart: true,
  }
  const planFor = (cgroup?: CgroupPlan): LaunchPlan =>
    compilePlan({
      ...{ id, config, bundle, rootfs, facts, compileSeccomp },
      options: { ...planOptions, cgroupManager, ...(cgroup ? { cgroup } : {}) },
    })
  const keyring = options.noNewKeyring ? undefined : inputs.keyring
  const found = { config, configText, bundle, rootfs, ...(keyring === undefined ? {} : { keyring }) }
  return { ...found, plan: planFor(), planWithin: planFor }
}
