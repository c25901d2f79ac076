/** Stage 4, launch: what checkpoint and restore have in common: directories, CRIU's options, what lies outside. */
import type { Config } from '../config/types.js'
import { namespaceType } from '../config/vocabulary/namespaces.js'
import { isBindMount, isIdMapOption } from '../config/mount-options.js'
import { ConfigError, UnsupportedError, UsageError } from '../errors.js'
import { cgroupMode, type CgroupMode } from '../criu/messages.js'
import { callCriu } from '../criu/service.js'
import type { Message } from '../criu/wire.js'
import { changeOwner, closeFile, fileInfo, makeDirectory, openFile, openFlag, processIds } from '../native/binding.js'
import type { Waiter } from '../native/wait.js'

/** What `checkpoint` and `restore` both take; directories are absolute. */
export interface CriuOptions {
  /** Directory of CRIU's images. */
  readonly imagePath: string
  /** Directory of CRIU's log and of what it needs while it works; default: that of the images. */
  readonly workPath?: string
  readonly tcpEstablished?: boolean
  readonly extUnixSk?: boolean
  readonly shellJob?: boolean
  readonly fileLocks?: boolean
  readonly lazyPages?: boolean
  readonly autoDedup?: boolean
  /** Namespaces that are made anew and left empty: `network` alone. */
  readonly emptyNs?: readonly string[]
  /** Default: soft. */
  readonly manageCgroupsMode?: string
}

/** Milliseconds for CRIU's answer: it may have gigabytes to write or to read. */
export const answerLimit = 3_600_000

/** CLONE_NEWNET. */
const networkNamespace = 0x40000000
/** Everything: what explains a failure is not marked as an error. */
const logLevel = 4
const defaultConfigs = ['/etc/criu/tsrun.conf', '/etc/criu/runc.conf']

/** Open directories of a request, and its options. */
export interface Session {
  readonly opts: Message
  readonly logFile: string
  close(): void
}

/** The mode in CRIU's numbers. @throws UsageError */
export function parseCgroupMode(mode: string): number {
  if (!Object.hasOwn(cgroupMode, mode))
    throw new UsageError(`invalid manage-cgroups-mode ${JSON.stringify(mode)}: soft, full, strict or ignore`)
  return cgroupMode[mode as CgroupMode]
}

/** Opens the directories. @throws UsageError, UnsupportedError without root, SyscallError */
export function openSession(options: CriuOptions, logName: string, config: Config): Session {
  if (processIds().euid !== 0)
    throw new UnsupportedError('criu', 'checkpoint and restore need root: CRIU does not work for an ordinary user')
  const other = (options.emptyNs ?? []).find((name) => name !== 'network')
  if (other !== undefined)
    throw new UsageError(`invalid empty-ns ${JSON.stringify(other)}: only network can be left out`)
  const { imagePath, workPath = imagePath } = options
  const mode = parseCgroupMode(options.manageCgroupsMode ?? 'soft')
  const images = openFile(imagePath, openFlag.read)
  const work = openFile(workPath, openFlag.read)
  const configFile = config.annotations?.['org.criu.config'] ?? defaultConfigs.find((path) => fileInfo(path))
  const { tcpEstablished, extUnixSk, shellJob, fileLocks, lazyPages, autoDedup } = options
  const opts: Message = {
    ...{ imagesDirFd: images, workDirFd: work, logLevel, logFile: logName, notifyScripts: true },
    // Otherwise CRIU 4.2 looks for the caller's terminal in the mounts of the container, and crashes (mnt: BUG).
    orphanPtsMaster: !shellJob || config.process.terminal === true,
    ...{ tcpEstablished, extUnixSk, shellJob, fileLocks, lazyPages, autoDedup },
    // An empty annotation asks for no file, as with runc.
    configFile: configFile || undefined,
    ...{ manageCgroups: mode !== cgroupMode.ignore, manageCgroupsMode: mode },
    emptyNs: options.emptyNs?.length ? networkNamespace : undefined,
  }
  const close = (): void => {
    closeFile(images)
    closeFile(work)
  }
  return { opts, logFile: `${workPath}/${logName}`, close }
}

/**
 * Makes a directory where there is none, closed to others: memory is in its files. In a user namespace CRIU reads them as
 * the root of that.
 * @throws SyscallError
 */
export function ensureDirectory(path: string, config: Config): void {
  if (fileInfo(path) !== undefined) return
  const group = config.linux?.gidMappings?.find(({ containerID }) => containerID === 0)?.hostID
  makeDirectory(path, group === undefined ? 0o700 : 0o710)
  if (group !== undefined) changeOwner(path, 0, group)
}

/** CRIU leaves out what it does not know of, without a word. @throws UnsupportedError for one that is too old */
export async function assertVersion(needed: number, what: string, logFile: string, waiter: Waiter): Promise<void> {
  const call = { type: 'version', descriptors: [0, 1, 2], logFile, waiter, limit: 60_000 } as const
  const { major = 0, minor = 0, sublevel = 0 } = (await callCriu(call)).version as Record<string, number>
  if (major * 10000 + minor * 100 + sublevel >= needed) return
  const least = `${Math.floor(needed / 10000)}.${Math.floor(needed / 100) % 100}`
  throw new UnsupportedError('criu', `${what} needs CRIU ${least} or later; here is ${major}.${minor}`)
}

/** @throws UnsupportedError when this kernel, or this CRIU, cannot do it */
export async function assertFeature(name: 'memTrack' | 'lazyPages', logFile: string, waiter: Waiter): Promise<void> {
  const features = { [name]: true }
  const call = { type: 'featureCheck', features, descriptors: [0, 1, 2], logFile, waiter, limit: 60_000 } as const
  const has = (await callCriu(call)).features as Message | undefined
  if (has?.[name] === 1) return
  const what = name === 'memTrack' ? '--pre-dump (memory tracking)' : '--lazy-pages (userfaultfd)'
  throw new UnsupportedError('criu', `CRIU on this kernel does not support ${what}`)
}

/** It would join such a user namespace as the root of another one, which has no right to. */
const neverJoined: ReadonlySet<string> = new Set(['mount', 'cgroup', 'user'])

/** What CRIU could not make again. @throws ConfigError with each of them */
export function assertRestorable(config: Config): void {
  const namespaces = config.linux?.namespaces ?? []
  const joined = namespaces.flatMap(({ type, path }, index) =>
    path !== undefined && neverJoined.has(type)
      ? [{ pointer: `/linux/namespaces/${index}`, message: `CRIU cannot join a ${type} namespace` }]
      : [],
  )
  const shared = namespaces.some(({ type }) => type === 'mount')
    ? []
    : [{ pointer: '/linux/namespaces', message: 'CRIU needs a mount namespace of the container’s own' }]
  const mapped = (config.mounts ?? []).flatMap((mount, index) =>
    mount.uidMappings !== undefined || (mount.options ?? []).some(isIdMapOption)
      ? [{ pointer: `/mounts/${index}`, message: 'CRIU cannot restore an id-mapped mount' }]
      : [],
  )
  const issues = [...joined, ...shared, ...mapped]
  if (issues.length > 0) throw ConfigError.from(issues)
}

/** Destinations and sources of the bind mounts. */
export const bindMounts = (config: Config, bundle: string): { key: string; val: string }[] =>
  (config.mounts ?? []).filter(isBindMount).map(({ destination, source = '' }) => {
    return { key: destination, val: source.startsWith('/') ? source : `${bundle}/${source}` }
  })

/** Namespaces of these types that are joined by path are handed to CRIU as a descriptor with this name. */
export const externalNamespaces = [
  { type: 'network', name: 'extRootNetNS' },
  { type: 'pid', name: 'extRootPidNS' },
] as const

/** Path of a namespace that the config joins; undefined when it does not. */
export const joinedPath = (config: Config, type: string): string | undefined =>
  config.linux?.namespaces?.find((one) => one.type === type)?.path || undefined

/** Name of a namespace's file below /proc/PID/ns. */
export const namespaceFile = (type: keyof typeof namespaceType): string => namespaceType[type].file
