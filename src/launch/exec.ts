/** Stage 4, launch: adds a process to a container that exists. */
import type { Config, NamespaceType, Process } from '../config/types.js'
import { StatusError } from '../errors.js'
import { isInUserNamespace, isRootless, probeCapabilities } from '../host/facts.js'
import { sharesNamespace } from '../host/namespaces.js'
import { unifiedCgroupOf } from '../host/process-cgroups.js'
import { closeFile, hasErrno, processIds, replaceFile } from '../native/binding.js'
import { compileExec } from '../plan/exec.js'
import { cloneFlag } from '../config/vocabulary/namespaces.js'
import type { CgroupPlan, LaunchPlan } from '../plan/types.js'
import { observeStatus } from '../state/observe.js'
import type { StateRecord } from '../state/record.js'
import { Cgroup } from '../cgroup/cgroup.js'
import { assertStatus, type Status } from '../state/status.js'
import type { ContainerId } from '../state/store.js'
import { sendToSocket } from './console.js'
import type { RuntimeContext } from './context.js'
import { openInit } from './kill.js'
import { awaitEnd } from './end.js'
import { joinCgroups, placeProcess } from '../cgroup/placement.js'
import { savedConfig, wantedProcess, type ExecOptions, type ExecSettings } from './exec-options.js'
import { hintAtProgram } from './hint.js'
import { InitProcess } from './init-process.js'
import { giveStreams } from './streams.js'
import { joinRdt } from './intel-rdt.js'
import { ListenerDelivery } from './listener.js'
import { checkConsole, checkPidFile, type PlanInputs } from './prepare.js'
import { serveInit, unexpectedEnd, type Handlers } from './protocol.js'
import { startProgram } from './start.js'
import { explainScheduler, hasLittleMemory } from './small-memory.js'
import { startInit } from '../native/start-init.js'

/** A process that runs; the descriptors belong to the caller. */
export interface Executed {
  readonly pid: number
  readonly pidfd: number
  /** The terminal's ptmx where no socket was given for it, else -1. */
  readonly ptmx: number
}

/** Who uses the terminal. */
export interface ExecMode {
  /** It is not for a socket. */
  readonly terminalStays: boolean
  /** Called with its ptmx before the program runs. */
  readonly onTerminal?: (ptmx: number) => void
}

/** An exec in progress. */
class Execution {
  readonly init: InitProcess
  ptmx = -1
  readonly #context: RuntimeContext
  readonly #record: StateRecord
  readonly #plan: LaunchPlan
  readonly #options: ExecSettings

  constructor(context: RuntimeContext, record: StateRecord, plan: LaunchPlan, options: ExecSettings) {
    this.#context = context
    this.init = new InitProcess(context.waiter)
    this.#record = record
    this.#plan = plan
    this.#options = options
  }

  /** Starts the process in its cgroup of the unified hierarchy, or without one in the runtime's. */
  launch(target: number, cpus: string): Promise<void> {
    return this.#enter(this.#plan.cgroup.unified, (unified) => this.#launchInto(unified, target, cpus))
  }

  /** Puts the process, of which only the program is left to do, where that is accounted. */
  join(last: CgroupPlan): Promise<void> {
    return this.#enter(last.unified, (unified) =>
      joinCgroups(this.init.pid, unified === undefined ? last : { ...last, unified }),
    )
  }

  /**
   * A cgroup that the container has made an inner one, which takes no processes (cgroups(7), "no internal
   * processes"), or has removed, gives way to that of its init, unless somebody has asked for it.
   */
  async #enter(
    unified: string | undefined,
    enter: (unified: string | undefined) => Promise<void> | void,
  ): Promise<void> {
    try {
      await enter(unified)
    } catch (error) {
      const full = ['EBUSY', 'ENOENT', 'ENODEV', 'EOPNOTSUPP'].some((name) => hasErrno(error, name))
      if (!full || unified === undefined || this.#options.cgroup?.some(Boolean)) throw error
      const own = unifiedCgroupOf(this.#record.pid)
      if (own === undefined || own === unified) throw error
      await enter(own)
    }
  }

  async #launchInto(unified: string | undefined, target: number, cpus: string): Promise<void> {
    const { stdio = [0, 1, 2] } = this.#options
    const { waiter } = this.#context
    this.init.adopt(await startInit(waiter, this.#plan, unified, { stdio, targetFd: target, cpus }))
    joinRdt(this.#record.intelRdt, this.init.pid)
  }

  /** Serves init until its program is found and everything about it is set. */
  async serve(status: 'created' | 'running' | 'paused'): Promise<void> {
    const { waiter } = this.#context
    const container = () => ({ record: this.#record, status })
    const listener = new ListenerDelivery(this.#plan, this.init, container, this.#context)
    const handlers: Handlers = {
      child: async (pid, pidfd) => {
        await this.init.adoptChild(pid, pidfd)
        joinRdt(this.#record.intelRdt, pid)
        listener.handOver()
      },
      console: (ptmx) => (this.ptmx = ptmx),
      listener: (fd) => {
        listener.take(fd)
      },
    }
    if (await serveInit(this.init.sync, handlers, waiter, 'created')) {
      this.init.setScheduler(this.#plan)
      return
    }
    await awaitEnd(waiter, this.init.pidfd)
    throw unexpectedEnd(this.init.pidfd, {
      before: 'the program could be executed',
      oom: new Cgroup(this.#record.cgroup).oomKilled,
    })
  }

  /** What the caller asked for, then the program itself; the pid file comes last, as proof that it runs. */
  async finish(onTerminal: (ptmx: number) => void): Promise<void> {
    const { consoleSocket, pidfdSocket, pidFile } = this.#options
    if (this.ptmx >= 0 && consoleSocket) {
      sendToSocket(consoleSocket, '/dev/ptmx', this.ptmx)
      closeFile(this.ptmx)
      this.ptmx = -1
    }
    if (this.ptmx >= 0) onTerminal(this.ptmx)
    if (pidfdSocket) sendToSocket(pidfdSocket, 'setns', this.init.pidfd)
    await startProgram(this.init.sync, this.#context.waiter, this.#record, this.init.pid)
    this.init.closeSync()
    if (pidFile) replaceFile(pidFile, String(this.init.pid), 0o644)
  }

  /** Ends what has been started. */
  async abandon(): Promise<void> {
    if (this.ptmx >= 0) closeFile(this.ptmx)
    await this.init.end(this.#record)
  }
}

function planExec(
  id: ContainerId,
  record: StateRecord,
  config: Config,
  process: Process,
  options: { preserveFds: number; cgroup: CgroupPlan; compileSeccomp: PlanInputs['compileSeccomp'] },
): LaunchPlan {
  const namespaces = new Set<NamespaceType>(
    (Object.keys(cloneFlag) as NamespaceType[]).filter((type) => !sharesNamespace(record.pid, type)),
  )
  return compileExec({
    id,
    config,
    process,
    facts: { ...probeCapabilities(), inUserNamespace: isInUserNamespace() },
    namespaces,
    rootfs: record.rootfs,
    keyring: record.noNewKeyring ? undefined : (record.keyring ?? `_ses.${id}`),
    ...options,
  })
}

/** Only root may look into init before the program runs (CVE-2016-9962), and so join it. @throws StatusError */
function assertEnterable(id: string, status: Status): void {
  if (status !== 'created' || processIds().euid === 0) return
  const message = 'cannot exec in a container that is only created, without root privileges: start it first'
  throw new StatusError(message, { id, operation: 'exec', status })
}

/**
 * Adds a process to a container that is created or running.
 * @throws NotFoundError, StatusError, ConfigError, UsageError, SyscallError, ProtocolError; then nothing of
 * the process is left
 */
export async function execProcess(
  context: RuntimeContext,
  id: ContainerId,
  options: ExecOptions,
  mode: ExecMode,
): Promise<Executed> {
  const { store } = context
  const record = store.load(id)
  const status = observeStatus(store, id, record)
  if (status !== 'paused' || !options.ignorePaused) assertStatus(id, 'exec', status)
  assertEnterable(id, status)
  const config = await savedConfig(store, id)
  const process = await wantedProcess(config, options)
  checkConsole(process, options, mode.terminalStays)
  checkPidFile(options.pidFile)
  const target = openInit(record)
  if (target < 0) throw new StatusError('cannot exec in a stopped container', { id, operation: 'exec', status })
  let execution: Execution | undefined
  try {
    const compileSeccomp: PlanInputs['compileSeccomp'] = (request) => store.compileSeccomp(request)
    const { preserveFds = 0 } = options
    const { first, last } = placeProcess(record.cgroup, options.cgroup, {
      paused: status === 'paused',
      littleMemory: hasLittleMemory(record),
    })
    const plan = planExec(id, record, config, process, { preserveFds, compileSeccomp, cgroup: first })
    for (const warning of plan.warnings) context.onWarning(warning)
    if (record.cgroupManager === 'systemd' && isRootless()) {
      const { joinOwnScope } = await import('../cgroup/systemd-reach.js')
      await joinOwnScope(record.cgroup, context.waiter)
    }
    execution = new Execution(context, record, plan, options)
    await execution.launch(target, process.execCPUAffinity?.initial ?? '')
    await execution.serve(status as 'created' | 'running' | 'paused')
    giveStreams(config, process, execution.init.pid, options.stdio)
    await execution.join(last)
    await execution.finish(mode.onTerminal ?? (() => undefined))
    const { init, ptmx } = execution
    return { pid: init.pid, pidfd: init.pidfd, ptmx }
  } catch (error) {
    explainScheduler(error, record)
    await hintAtProgram(error, () => ({ config, process, ...record }))
    await execution?.abandon()
    throw error
  } finally {
    closeFile(target)
  }
}
