/** Stage 4, launch: makes a container from the files of a checkpoint, or leaves nothing behind. */
import { readAnnotations } from '../config/annotations.js'
import { ProtocolError, UsageError } from '../errors.js'
import { Cgroup } from '../cgroup/cgroup.js'
import { cgroupDriver } from '../cgroup/driver.js'
import { restrictDevices } from '../cgroup/devices.js'
import { callCriu, findCriu, type Notice } from '../criu/service.js'
import type { Message } from '../criu/wire.js'
import { probeHost } from '../host/facts.js'
import {
  closeFile,
  fileInfo,
  makeDirectory,
  openFile,
  openFlag,
  openProcess,
  readFileIfAny,
  readProcessStat,
  replaceFile,
  writeFile,
} from '../native/binding.js'
import { ociState } from '../plan/oci-state.js'
import type { StateRecord } from '../state/record.js'
import type { ContainerId } from '../state/store.js'
import { distrust } from '../state/trust.js'
import { descriptorsFile } from './checkpoint.js'
import { afterStop } from './delete.js'
import { sendToSocket } from './console.js'
import { moveNetDevices } from './net-devices.js'
import type { RuntimeContext } from './context.js'
import * as session from './criu-session.js'
import { makeMountPoints, readStreams } from './restore-input.js'
import { externalMounts, namespaceOptions } from './restore-plan.js'
import { firstRecord, newKeyringName } from './first-record.js'
import { runHooks } from './hooks.js'
import { endProcess } from './end.js'
import { assertRdtFits, joinRdt, makeRdtGroups } from './intel-rdt.js'
import { checkConsole, checkPidFile, prepare, type CreateOptions, type Prepared } from './prepare.js'
import { Rollback } from './rollback.js'

/** What `restore` takes. */
export interface RestoreOptions
  extends session.CriuOptions, Pick<CreateOptions, 'bundle' | 'consoleSocket' | 'pidFile' | 'noPivot'> {
  /** Descriptors in the place of the pipes that were standard input, output and error; default 0, 1, 2. */
  readonly stdio?: readonly [number, number, number]
  /** `TYPE:NAME` of the profile to run under in the place of the dumped one. */
  readonly lsmProfile?: string
  /** SELinux context to mount with in the place of the dumped one. */
  readonly lsmMountContext?: string
}

/** CRIU reads no memory itself then. Where the one who has it is gone the kernel tells; where that one hangs nobody does. */
const lazyWait = { limit: 300_000, waitsFor: 'criu lazy-pages' } as const

const hostCgroups = () => probeHost({ apparmor: false, selinux: false, resctrl: false }).cgroup

/**
 * Where CRIU finds the hierarchies, by the names that it has for them: it would mount them in its working directory, which is
 * one of the runtime's mount namespace. That of cgroup v2 it calls `unified`: on a host with that alone the name is made, below
 * `directory`. `binds`: see callCriu.
 */
function cgroupYard(directory: string): {
  readonly path: string
  readonly binds: readonly (readonly [string, string])[]
} {
  const { mode, unified = '', v1 } = hostCgroups()
  if (mode !== 'v2') return { path: (Object.values(v1)[0] ?? '').replace(/\/[^/]*$/, ''), binds: [] }
  const path = `${directory}/criu-cgroups`
  makeDirectory(path, 0o700)
  makeDirectory(`${path}/unified`, 0o700)
  return { path, binds: [[unified, `${path}/unified`]] }
}

/** A restore in progress. */
class Restoration {
  record: StateRecord
  pidfd = -1
  ptmx = -1
  readonly #context: RuntimeContext
  readonly #prepared: Prepared
  readonly options: RestoreOptions & { readonly foreground: boolean }

  constructor(context: RuntimeContext, record: StateRecord, prepared: Prepared, options: Restoration['options']) {
    this.#context = context
    this.record = record
    this.#prepared = prepared
    this.options = options
  }

  #note(pid: number): void {
    this.pidfd = openProcess(pid)
    this.record = { ...this.record, pid, startTime: readProcessStat(pid)?.startTime ?? '' }
    this.#context.store.save(this.record.id as ContainerId, this.record)
    joinRdt(this.record.intelRdt, pid)
  }

  /** The hooks that runc runs at a restore, where it runs them: prestart and createRuntime, when there are namespaces. */
  async notice({ script, pid, fd }: Notice): Promise<void> {
    if (script === 'orphan-pts-master') this.ptmx = fd
    else if (fd >= 0) closeFile(fd)
    if (script === 'post-restore') this.#note(pid)
    if (script !== 'setup-namespaces') return
    const { config, plan } = this.#prepared
    const { hooks } = config
    if (this.options.emptyNs?.length) moveNetDevices(plan.netDevices, pid)
    const state = ociState({ ...this.record, pid }, 'creating')
    await runHooks('prestart', hooks?.prestart ?? [], state, this.#context.waiter)
    await runHooks('createRuntime', hooks?.createRuntime ?? [], state, this.#context.waiter)
  }

  async restore(): Promise<void> {
    const { waiter, store } = this.#context
    const { config, rootfs } = this.#prepared
    const options = this.options
    if (options.workPath !== undefined) session.ensureDirectory(options.workPath, config)
    const opened = session.openSession(options, 'restore.log', config)
    const files: number[] = []
    try {
      const { logFile, opts } = opened
      await session.assertVersion(options.lsmMountContext ? 31600 : 30000, 'restore', logFile, waiter)
      if (options.lazyPages) await session.assertFeature('lazyPages', logFile, waiter)
      await makeMountPoints(waiter, this.#prepared.plan)
      // In a mount namespace of criu's own: the root must be a mount, and nothing of it may stay on the host.
      const directory = store.directory(this.record.id as ContainerId)
      const root = `${directory}/criu-root`
      makeDirectory(root, 0o700)
      const yard = cgroupYard(directory)
      await callCriu({
        type: 'restore',
        opts: { ...opts, root, cgroupYard: yard.path, ...this.#restoreOptions(files) },
        descriptors: [...(options.stdio ?? [0, 1, 2]), ...files],
        binds: [[rootfs, root], ...yard.binds],
        keyring: this.#prepared.keyring,
        ...(options.lazyPages ? lazyWait : { limit: session.answerLimit }),
        ...{ logFile, waiter },
        onStart: (pidfd) => this.#place(pidfd),
        onNotice: (notice) => this.notice(notice),
      })
      if (this.pidfd < 0) throw new ProtocolError('criu has restored no process')
    } finally {
      for (const fd of files) closeFile(fd)
      opened.close()
    }
  }

  /** Where CRIU is not to manage cgroups, what it restores is born in its own. */
  #place(pidfd: number): void {
    if (this.options.manageCgroupsMode !== 'ignore') return
    const pid = /^Pid:\s+(\d+)$/m.exec(readFileIfAny(`/proc/self/fdinfo/${pidfd}`) ?? '')?.[1] ?? ''
    for (const directory of new Cgroup(this.record.cgroup).directories) writeFile(`${directory}/cgroup.procs`, pid)
  }

  #restoreOptions(files: number[]): Message {
    const { imagePath, lsmProfile, lsmMountContext, manageCgroupsMode } = this.options
    const { config, bundle, plan } = this.#prepared
    const streams = readStreams(`${imagePath}/${descriptorsFile}`).flatMap((key, fd) =>
      key.startsWith('pipe:') ? [{ key, fd }] : [],
    )
    const { joinNs, external } = namespaceOptions(config)
    const inherited = external.map(({ name, path }) => {
      const count = files.push(openFile(path, openFlag.read))
      return { key: name, fd: 2 + count }
    })
    const mounts = hostCgroups()
    const strip = (directory: string, point = ''): string => directory.slice(point.length) || '/'
    const { unified, v1 } = this.record.cgroup
    const cgRoot = [
      ...Object.entries(v1).map(([ctrl, directory]) => ({ ctrl, path: strip(directory, mounts.v1[ctrl]) })),
      ...(unified === undefined ? [] : [{ path: strip(unified, mounts.unified) }]),
    ]
    return {
      ...{ evasiveDevices: true, rstSibling: true, lsmProfile, lsmMountContext, joinNs },
      inheritFd: [...streams, ...inherited],
      extMnt: externalMounts(config, bundle, plan),
      cgRoot: manageCgroupsMode === 'ignore' ? [] : cgRoot,
    }
  }

  /** In the order of `create`: terminal, then pid file. */
  deliver(): void {
    const { consoleSocket, pidFile, foreground } = this.options
    if (this.ptmx >= 0 && !foreground) {
      sendToSocket(consoleSocket ?? '', '/dev/ptmx', this.ptmx)
      closeFile(this.ptmx)
      this.ptmx = -1
    }
    const { pidfdReceiver } = readAnnotations(this.record.annotations)
    if (pidfdReceiver) sendToSocket(pidfdReceiver, 'standard', this.pidfd)
    if (pidFile !== undefined && pidFile !== '') replaceFile(pidFile, String(this.record.pid), 0o644)
  }

  async abandon(): Promise<void> {
    if (this.ptmx >= 0) closeFile(this.ptmx)
    if (this.pidfd >= 0) await endProcess(this.#context.waiter, this.pidfd, this.record)
    await afterStop(this.record, this.#context)
  }
}

/** A container that goes on; the descriptors belong to the caller. */
export interface Restored {
  readonly record: StateRecord
  readonly pidfd: number
  /** The terminal's ptmx in the foreground, else -1. */
  readonly ptmx: number
}

/**
 * Makes a container from a checkpoint. `foreground`: its terminal stays with the caller.
 * @throws ConfigError, UsageError, ExistsError, UnsupportedError, CriuError, HookError, SyscallError; then nothing is left
 */
export async function restoreContainer(
  context: RuntimeContext,
  id: ContainerId,
  options: RestoreOptions,
  { foreground }: { readonly foreground: boolean },
): Promise<Restored> {
  const { store } = context
  findCriu()
  if (fileInfo(`${options.imagePath}/inventory.img`) === undefined)
    throw new UsageError(`there is no checkpoint in ${JSON.stringify(options.imagePath)}`)
  const prepared = await prepare(id, options, {
    cgroupManager: context.cgroupManager,
    compileSeccomp: (request) => store.compileSeccomp(request),
    keyring: newKeyringName(id),
  })
  checkConsole(prepared.config.process, options, foreground)
  checkPidFile(options.pidFile)
  session.assertRestorable(prepared.config)
  for (const warning of [...prepared.plan.warnings, ...distrust(store.root)]) context.onWarning(warning)
  return restoreOrNothing(context, id, prepared, { ...options, foreground })
}

async function restoreOrNothing(
  context: RuntimeContext,
  id: ContainerId,
  prepared: Prepared,
  options: Restoration['options'],
): Promise<Restoration> {
  const { store, waiter } = context
  const { config } = prepared
  const lock = store.create(id)
  const rollback = new Rollback()
  try {
    rollback.add(() => store.remove(id))
    const first = firstRecord(id, prepared, context.cgroupManager, options)
    store.save(id, first)
    store.saveConfig(id, prepared.configText)
    if (prepared.plan.intelRdt) assertRdtFits(prepared.plan.intelRdt)
    const driver = await cgroupDriver(context.cgroupManager, waiter)
    const cgroup = await driver.create({ id, config, plan: prepared.plan, tolerant: false })
    rollback.add(() => driver.remove(cgroup))
    const plan = prepared.planWithin(cgroup)
    restrictDevices(cgroup, plan.deviceRules)
    if (plan.intelRdt) makeRdtGroups(plan.intelRdt, rollback)
    const restoration = new Restoration(context, { ...first, cgroup }, { ...prepared, plan }, options)
    store.save(id, restoration.record)
    rollback.add(() => restoration.abandon())
    await restoration.restore()
    await driver.finish(plan)
    restoration.deliver()
    return restoration
  } catch (error) {
    await rollback.run(error)
    throw error
  } finally {
    lock.release()
  }
}
