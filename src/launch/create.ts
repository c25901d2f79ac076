/** Stage 4, launch: makes a container up to `created`, or leaves nothing behind. */
import { readAnnotations } from '../config/annotations.js'
import { closeFile, listenStart, makeDirectory, readProcessStat, renameFile, replaceFile } from '../native/binding.js'
import { ociState } from '../plan/oci-state.js'
import type { LaunchPlan } from '../plan/types.js'
import type { StateRecord } from '../state/record.js'
import { distrust } from '../state/trust.js'
import type { ContainerId } from '../state/store.js'
import { cgroupDriver, type CgroupDriver } from '../cgroup/driver.js'
import { Cgroup } from '../cgroup/cgroup.js'
import { sendToSocket } from './console.js'
import type { RuntimeContext } from './context.js'
import { awaitEnd } from './end.js'
import { restrictDevices } from '../cgroup/devices.js'
import { firstRecord, newKeyringName } from './first-record.js'
import { hintAtProgram } from './hint.js'
import { runHooks } from './hooks.js'
import { writeIdMaps } from './id-maps.js'
import { InitProcess } from './init-process.js'
import { assertRdtFits, joinRdt, makeRdtGroups } from './intel-rdt.js'
import { ListenerDelivery } from './listener.js'
import { explainMemory, explainScheduler, isTolerant } from './small-memory.js'
import { moveNetDevices } from './net-devices.js'
import { checkConsole, checkPidFile, prepare, type CreateOptions, type Prepared } from './prepare.js'
import { serveInit, unexpectedEnd, type Handlers } from './protocol.js'
import { Rollback } from './rollback.js'
import { SourceHelper } from './sources.js'
import { afterStop } from './delete.js'
import { giveStreams } from './streams.js'
import { startInit } from '../native/start-init.js'

/** A container that has reached `created`; the descriptors belong to the caller. */
export interface Created {
  readonly record: StateRecord
  readonly pidfd: number
  /** The sync socket: `run` starts the container over it. */
  readonly sync: number
  /** The terminal's ptmx in the foreground, else -1. */
  readonly ptmx: number
}

/** How `create` and `run` differ. */
export interface CreateMode {
  /** `run` without --detach: the terminal stays with the caller. */
  readonly foreground: boolean
  /** `create`: init listens on the start socket, for a `start` by anybody. */
  readonly startSocket: boolean
  /** The config as text, in the place of the one of the options. */
  readonly configText?: string
}

/** A create in progress. */
class Creation {
  record: StateRecord
  readonly init: InitProcess
  ptmx = -1
  readonly #context: RuntimeContext
  readonly #id: ContainerId
  #prepared: Prepared
  readonly #options: CreateOptions
  readonly #mode: CreateMode

  constructor(context: RuntimeContext, id: ContainerId, prepared: Prepared, options: CreateOptions, mode: CreateMode) {
    this.#context = context
    this.init = new InitProcess(context.waiter)
    this.#id = id
    this.#prepared = prepared
    this.#options = options
    this.#mode = mode
    this.record = firstRecord(id, prepared, context.cgroupManager, options)
  }

  get plan(): LaunchPlan {
    return this.#prepared.plan
  }

  /** The state directory comes first: a create that is killed from here on can be deleted. */
  saveFirst(): void {
    const { store } = this.#context
    store.save(this.#id, this.record)
    store.saveConfig(this.#id, this.#prepared.configText)
    if (this.#options.notifySocket) makeDirectory(store.notifyDirectory(this.#id), 0o755)
  }

  /**
   * Makes the cgroups before anybody can be in them. Where that is not permitted and nothing depends on
   * it, the container stays in the runtime's.
   */
  async makeCgroups(driver: CgroupDriver, rollback: Rollback): Promise<void> {
    const { config, plan } = this.#prepared
    const tolerant = isTolerant(this.#context.rootless, config)
    const cgroup = await driver.create({ id: this.#id, config, plan, tolerant })
    rollback.add(() => driver.remove(cgroup))
    restrictDevices(cgroup, plan.deviceRules)
    const directories = new Cgroup(cgroup).directories
    if (directories.join(':') === new Cgroup(plan.cgroup).directories.join(':')) return
    this.#prepared = { ...this.#prepared, plan: this.#prepared.planWithin(cgroup) }
    this.record = { ...this.record, cgroup, ...(directories.length === 0 ? { cgroupManager: 'disabled' } : {}) }
  }

  /** Limits that had to wait until init is there. */
  async finishCgroups(driver: CgroupDriver): Promise<void> {
    await driver.finish(this.plan)
  }

  /** Clones init and notes who it is before it can have done anything. */
  async launch(): Promise<void> {
    const { store, waiter } = this.#context
    const { plan } = this
    const startFd = this.#mode.startSocket ? listenStart(store.unreadySocket(this.#id)) : -1
    try {
      const { stdio = [0, 1, 2] } = this.#options
      this.init.adopt(await startInit(waiter, plan, plan.cgroup.unified, { startFd, stdio }))
      this.#note()
    } finally {
      if (startFd >= 0) closeFile(startFd)
    }
  }

  /** Writes down who init is. */
  #note(): void {
    const { pid } = this.init
    this.record = { ...this.record, pid, startTime: readProcessStat(pid)?.startTime ?? '' }
    this.#context.store.save(this.#id, this.record)
    joinRdt(this.record.intelRdt, pid)
  }

  /** Serves init until it has come as far as `created`. */
  async serve(): Promise<void> {
    const sources = new SourceHelper(this.plan.sources, this.#context.waiter)
    const container = () => ({ record: this.record, status: 'creating' }) as const
    const listener = new ListenerDelivery(this.plan, this.init, container, this.#context)
    const handlers: Handlers = {
      child: async (pid, pidfd) => {
        await this.init.adoptChild(pid, pidfd)
        this.#note()
        listener.handOver()
      },
      console: (ptmx) => (this.ptmx = ptmx),
      listener: (fd) => {
        listener.take(fd)
      },
      source: (number, mount) => sources.give(number, mount, this.init),
      event: (event) => (event === 'mounts' ? this.#runtimeHooks() : this.#finishNamespaces()),
    }
    const reached = serveInit(this.init.sync, handlers, this.#context.waiter, 'created')
    if (await reached.finally(() => sources.close())) {
      this.init.setScheduler(this.plan)
      return
    }
    await awaitEnd(this.#context.waiter, this.init.pidfd)
    throw unexpectedEnd(this.init.pidfd, {
      before: 'the container was created',
      oom: new Cgroup(this.plan.cgroup).oomKilled,
    })
  }

  /** What only the runtime may do with the namespaces that init has now. */
  async #finishNamespaces(): Promise<void> {
    if (this.plan.uidMappings !== undefined) await writeIdMaps(this.record.pid, this.plan, this.#context.waiter)
    moveNetDevices(this.plan.netDevices, this.record.pid)
  }

  async #runtimeHooks(): Promise<void> {
    const { hooks } = this.#prepared.config
    const state = ociState(this.record, 'creating')
    await runHooks('prestart', hooks?.prestart ?? [], state, this.#context.waiter)
    await runHooks('createRuntime', hooks?.createRuntime ?? [], state, this.#context.waiter)
  }

  /** The last things, in the order that engines rely on: terminal, pidfd, pid file. */
  deliver(): void {
    const { consoleSocket, pidfdSocket, pidFile } = this.#options
    if (this.ptmx >= 0 && !this.#mode.foreground) {
      sendToSocket(consoleSocket ?? '', '/dev/ptmx', this.ptmx)
      closeFile(this.ptmx)
      this.ptmx = -1
    }
    const { pidfdReceiver } = readAnnotations(this.record.annotations)
    for (const socket of [pidfdSocket, pidfdReceiver]) if (socket) sendToSocket(socket, 'standard', this.init.pidfd)
    if (pidFile !== undefined && pidFile !== '') replaceFile(pidFile, String(this.record.pid), 0o644)
    const { store } = this.#context
    if (this.#mode.startSocket) renameFile(store.unreadySocket(this.#id), store.startSocket(this.#id))
  }

  /** Ends init and forgets it; what the hooks have built is taken down by the poststop hooks. */
  async abandon(): Promise<void> {
    if (this.ptmx >= 0) closeFile(this.ptmx)
    if (await this.init.end(this.record)) await afterStop(this.record, this.#context)
  }
}

/**
 * Makes a container that waits to be started.
 * @throws ConfigError, UsageError, ExistsError, StoreError, SyscallError, HookError, ProtocolError,
 * UnsupportedError; then nothing of the container is left
 */
export async function createContainer(
  context: RuntimeContext,
  id: ContainerId,
  options: CreateOptions,
  mode: CreateMode,
): Promise<Created> {
  const { store } = context
  const prepared = await prepare(id, options, {
    cgroupManager: context.cgroupManager,
    compileSeccomp: (request) => store.compileSeccomp(request),
    keyring: newKeyringName(id),
    ...(mode.configText === undefined ? {} : { configText: mode.configText }),
    ...(options.notifySocket ? { notifyDirectory: store.notifyDirectory(id) } : {}),
  })
  checkConsole(prepared.config.process, options, mode.foreground)
  checkPidFile(options.pidFile)
  for (const warning of [...prepared.plan.warnings, ...distrust(store.root)]) context.onWarning(warning)
  const lock = store.create(id)
  const rollback = new Rollback()
  try {
    rollback.add(() => store.remove(id))
    const creation = new Creation(context, id, prepared, options, mode)
    const { intelRdt } = prepared.plan
    if (intelRdt) assertRdtFits(intelRdt)
    creation.saveFirst()
    const driver = await cgroupDriver(context.cgroupManager, context.waiter)
    await creation.makeCgroups(driver, rollback)
    if (intelRdt) makeRdtGroups(intelRdt, rollback)
    rollback.add(() => creation.abandon())
    await creation.launch()
    await creation.serve()
    giveStreams(prepared.config, prepared.config.process, creation.init.pid)
    await creation.finishCgroups(driver)
    creation.deliver()
    const { record, init, ptmx } = creation
    return { record, pidfd: init.pidfd, sync: init.sync, ptmx }
  } catch (error) {
    explainMemory(error, prepared.plan)
    explainScheduler(error, prepared.plan)
    await hintAtProgram(error, () => ({ ...prepared, process: prepared.config.process }))
    await rollback.run(error)
    throw error
  } finally {
    lock.release()
  }
}
