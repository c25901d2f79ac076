/** Stage 4, launch: has CRIU write a running container to files, which `restore` makes one from. */
import { loadConfig } from '../config/load.js'
import { cleanPath } from '../config/paths.js'
import type { Config } from '../config/types.js'
import { UsageError } from '../errors.js'
import { Cgroup } from '../cgroup/cgroup.js'
import { callCriu, findCriu, type Notice } from '../criu/service.js'
import type { Message } from '../criu/wire.js'
import { readMounts, type MountLine } from '../host/mountinfo.js'
import {
  closeFile,
  fileInfo,
  listDirectory,
  openFile,
  openFlag,
  readLink,
  removeFile,
  replaceFile,
  writeOut,
} from '../native/binding.js'
import { observeStatus } from '../state/observe.js'
import type { StateRecord } from '../state/record.js'
import { assertStatus } from '../state/status.js'
import type { ContainerId } from '../state/store.js'
import type { RuntimeContext } from './context.js'
import * as session from './criu-session.js'
import { destroyContainer } from './delete.js'
import { Rollback } from './rollback.js'

/** What `checkpoint` takes. */
export interface CheckpointOptions extends session.CriuOptions {
  /** Directory of an earlier dump, relative to that of the images: only what has changed since is written. */
  readonly parentPath?: string
  /** Only memory is written, and the container runs on. */
  readonly preDump?: boolean
  readonly leaveRunning?: boolean
  readonly tcpSkipInFlight?: boolean
  readonly linkRemap?: boolean
  /** Descriptor of this process that gets a NUL byte when lazy pages can be asked for. */
  readonly statusFd?: number
  /** `ADDRESS:PORT` of a page server. */
  readonly pageServer?: string
}

/** Milliseconds for whoever is to fetch lazy pages: CRIU waits for that. */
const lazyLimit = 24 * 3_600_000

/** Where `restore` finds what the standard streams were; runc's name for it. */
export const descriptorsFile = 'descriptors.json'

function pageServer(text: string | undefined): Message | undefined {
  if (text === undefined) return undefined
  const colon = text.lastIndexOf(':')
  const port = Number(text.slice(colon + 1))
  if (colon < 1 || !(port >= 1 && port <= 65535))
    throw new UsageError(`invalid page-server ${JSON.stringify(text)}: ADDRESS:PORT`)
  return { address: text.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port }
}

/** @throws UsageError for options that contradict each other */
function assertOptions({ parentPath, imagePath, statusFd, lazyPages, preDump }: CheckpointOptions): void {
  if (preDump && lazyPages) throw new UsageError('--pre-dump and --lazy-pages exclude each other')
  if (parentPath?.startsWith('/')) throw new UsageError('--parent-path must be relative to --image-path')
  if (parentPath !== undefined && fileInfo(`${cleanPath(`${imagePath}/${parentPath}`)}/.`)?.type !== 'directory')
    throw new UsageError(`--parent-path ${JSON.stringify(parentPath)} is no directory below ${imagePath}`)
  if (statusFd !== undefined && !lazyPages) throw new UsageError('--status-fd is of no use without --lazy-pages')
  // Before this process opens any itself.
  if (statusFd !== undefined && fileInfo(`/proc/self/fd/${statusFd}`) === undefined)
    throw new UsageError(`invalid status-fd ${statusFd}: it is not open`)
}

/** Files of /dev that are bound from the host in a user namespace. */
const isHostDevice = ({ point, root }: MountLine): boolean => /^\/dev\/[a-z]+$/.test(point) && root === point.slice(4)

/** Mounts that CRIU is to leave out, each under the name of its place, by which `restore` gives it its source. */
function externalMounts(config: Config, bundle: string, mounts: readonly MountLine[]): Message[] {
  const binds = new Set(session.bindMounts(config, bundle).map(({ key }) => key))
  const masked = new Set(config.linux?.maskedPaths)
  const isExternal = (line: MountLine): boolean =>
    binds.has(line.point) ||
    line.type.startsWith('cgroup') ||
    (masked.has(line.point) && line.root.endsWith('/null')) ||
    isHostDevice(line)
  const points = new Set(mounts.filter(isExternal).map(({ point }) => point))
  return [...points].map((point) => ({ key: point, val: point }))
}

function dumpOptions(options: CheckpointOptions, config: Config, record: StateRecord): Message {
  const { pid, rootfs, cgroup, bundle } = record
  const { leaveRunning, preDump, parentPath, tcpSkipInFlight, linkRemap } = options
  const external = session.externalNamespaces
    .filter(({ type }) => session.joinedPath(config, type) !== undefined)
    .map(
      ({ type, name }) =>
        `${readLink(`/proc/${pid}/ns/${session.namespaceFile(type)}`).replace(/:\[(\d+)\]/, '[$1]')}:${name}`,
    )
  return {
    ...{ pid, root: rootfs, leaveRunning, tcpSkipInFlight, linkRemap, external },
    parentImg: parentPath,
    trackMem: preDump || parentPath !== undefined ? true : undefined,
    pageServer: pageServer(options.pageServer),
    extMnt: externalMounts(config, bundle, readMounts(pid)),
    freezeCgroup: cgroup.unified ?? cgroup.v1.freezer,
  }
}

/**
 * Writes a running or paused container to files. Unless it is left running or only pre-dumped, it is gone afterwards, as
 * with runc.
 * @throws NotFoundError, StatusError, UsageError, ConfigError, UnsupportedError, CriuError, SyscallError
 */
export async function checkpointContainer(
  context: RuntimeContext,
  id: ContainerId,
  options: CheckpointOptions,
): Promise<void> {
  const { store, waiter } = context
  assertOptions(options)
  findCriu()
  const lock = await store.lockWith(id, waiter.locked)
  try {
    const record = store.load(id)
    assertStatus(id, 'checkpoint', observeStatus(store, id, record))
    const config = await loadConfig(store.loadConfig(id))
    session.assertRestorable(config)
    session.ensureDirectory(options.imagePath, config)
    if (options.workPath !== undefined) session.ensureDirectory(options.workPath, config)
    await dumpOrRunOn(context, options, config, record)
    if (!options.leaveRunning && !options.preDump) await destroyContainer(context, id, record)
  } finally {
    lock.release()
  }
}

/** Lazy pages can be asked for: the caller, who waits for it, is told as by runc. */
function tellReady({ script }: Notice, statusFd: number | undefined): Promise<void> {
  if (script === 'status-ready' && statusFd !== undefined) writeOut(statusFd, '\0')
  return Promise.resolve()
}

const isImage = (name: string): boolean => name.endsWith('.img') || name === descriptorsFile || name === 'parent'

/** After a failure nothing must be taken for a whole checkpoint, and the container must not stand still; the log stays. */
async function dumpOrRunOn(
  context: RuntimeContext,
  options: CheckpointOptions,
  config: Config,
  record: StateRecord,
): Promise<void> {
  const { imagePath } = options
  const rollback = new Rollback()
  const before = new Set(listDirectory(imagePath))
  rollback.add(() => {
    for (const name of listDirectory(imagePath))
      if (isImage(name) && !before.has(name)) removeFile(`${imagePath}/${name}`)
  })
  const cgroup = new Cgroup(record.cgroup)
  // CRIU does it itself, but not when it was killed.
  if (cgroup.canFreeze && !cgroup.isFrozen) rollback.add(() => void cgroup.thaw())
  try {
    await dump(context, options, config, record)
  } catch (error) {
    await rollback.run(error)
    throw error
  }
}

async function dump(
  { waiter }: RuntimeContext,
  options: CheckpointOptions,
  config: Config,
  record: StateRecord,
): Promise<void> {
  const opened = session.openSession(options, 'dump.log', config)
  const { logFile } = opened
  // After a pre-dump criu waits for more, and complains when there is none.
  const quiet = options.preDump ? openFile('/dev/null', openFlag.write) : -1
  try {
    await session.assertVersion(30000, 'checkpoint', logFile, waiter)
    if (options.preDump || options.parentPath !== undefined) await session.assertFeature('memTrack', logFile, waiter)
    if (options.lazyPages) await session.assertFeature('lazyPages', logFile, waiter)
    const streams = [0, 1, 2].map((fd) => readLink(`/proc/${record.pid}/fd/${fd}`))
    replaceFile(`${options.imagePath}/${descriptorsFile}`, JSON.stringify(streams), 0o600)
    await callCriu({
      type: options.preDump ? 'preDump' : 'dump',
      opts: { ...opened.opts, ...dumpOptions(options, config, record) },
      ...{ descriptors: quiet < 0 ? [0, 1, 2] : [quiet, quiet, quiet], logFile, waiter },
      limit: options.lazyPages ? lazyLimit : session.answerLimit,
      onNotice: (notice) => tellReady(notice, options.statusFd),
    })
  } finally {
    opened.close()
    if (quiet >= 0) closeFile(quiet)
  }
}
