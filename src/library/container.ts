/** Library: a container of a program that embeds tsrun. */
import type { Readable, Writable } from 'node:stream'
import { Cgroup } from '../cgroup/cgroup.js'
import type { Process, Resources } from '../config/types.js'
import { CoreContainer } from '../container.js'
import { messageChain } from '../errors.js'
import type { CheckpointOptions } from '../launch/checkpoint.js'
import type { RuntimeContext } from '../launch/context.js'
import type { ContainerEvent, EventOptions as LaunchEvents } from '../launch/events.js'
import type { ExecOptions as LaunchOptions, ExecSettings } from '../launch/exec-options.js'
import { openInit } from '../launch/kill.js'
import type { StartOptions } from '../launch/start.js'
import { setTerminalSize } from '../native/event-loop.js'
import type { ProcessChanges } from '../plan/exec-process.js'
import type { RdtSchemas } from '../plan/intel-rdt.js'
import type { StateRecord } from '../state/record.js'
import type { ContainerId } from '../state/store.js'
import { readUsage, type Usage } from '../stats/usage.js'
import { Child, childOf, unknownExit, type ProcessExit } from './children.js'
import { stoppable } from './events.js'
import { ExecHandle } from './exec-handle.js'
import { forgetExit, recallExit, rememberExit } from './exits.js'
import { Life, type LifeOptions } from './life.js'
import * as check from './options.js'
import { OpenedStdio, type Pipes, type Stdio } from './stdio.js'
import { Terminal, type TerminalSize } from './streams.js'

/** How a container ended; both `code` and `signal` are null when another process, or another thread, has made it. */
export interface ContainerExit extends ProcessExit {
  /** True when the OOM killer has killed a process of it. */
  readonly oom: boolean
  /** True when it was killed since its `timeout` was over. */
  readonly timedOut: boolean
  readonly usage: Usage
}

/** What `exec` takes beside the process itself. */
export interface ExecHandleOptions extends Omit<ExecSettings, 'stdio'>, LifeOptions {
  /** Default: the standard streams of this program. */
  readonly stdio?: Stdio
}

/** What `exec` takes: a whole process (config.md "Process"), or changes to the config's own. */
export type ExecOptions = ExecHandleOptions &
  ({ readonly process: Process } | (Omit<ProcessChanges, 'terminal'> & { readonly terminal?: boolean | TerminalSize }))

/** Settings of `Container.events`. */
export interface EventOptions extends Pick<LaunchEvents, 'interval'> {
  /** Ends the iterator: what is awaited of it is rejected with the signal's reason. */
  readonly signal?: AbortSignal
}

/** What a container has that this program has made, beyond one that it has found. */
export interface Origin {
  readonly stdio: OpenedStdio
  readonly terminal: Terminal | null
  readonly options: LifeOptions
}

/** The size that is asked for, where one is. */
export const sizeOf = (terminal: boolean | TerminalSize | undefined): TerminalSize | undefined =>
  typeof terminal === 'object' ? terminal : undefined

/** One container of a Runtime. */
export class Container extends CoreContainer implements Pipes {
  /** Its standard streams, where `create` was told `pipe`. */
  readonly stdin: Writable | null
  readonly stdout: Readable | null
  readonly stderr: Readable | null
  /** Its terminal, where `create` was told to keep that. */
  readonly terminal: Terminal | null
  readonly #life: Life
  #child: Child | undefined
  #exit: Promise<ContainerExit> | undefined

  /** Made by Runtime; `origin` for one that this program has made just now. */
  constructor(context: RuntimeContext, id: ContainerId, child?: Child, origin?: Origin) {
    super(context, id)
    this.stdin = origin?.stdio.stdin ?? null
    this.stdout = origin?.stdio.stdout ?? null
    this.stderr = origin?.stdio.stderr ?? null
    this.terminal = origin?.terminal ?? null
    this.#life = new Life(origin?.options ?? {}, (signal) => void super.kill(signal).catch(() => undefined))
    if (child === undefined) return
    const record = context.store.load(id)
    rememberExit(context.store.directory(id), record, this.#follow(child, record))
  }

  /** Takes its end down when it comes, before anybody can remove its cgroup. */
  #follow(child: Child, record: StateRecord): Promise<ContainerExit> {
    this.#child = child
    return (this.#exit = child.ended.then((exit) => {
      this.#life.over()
      return this.#lastLook(record, exit)
    }))
  }

  /** An end without these figures is still one. */
  #lastLook({ cgroup }: StateRecord, exit: ProcessExit): ContainerExit {
    const { timedOut } = this.#life
    try {
      return { ...exit, oom: new Cgroup(cgroup).oomKilled, timedOut, usage: readUsage(new Cgroup(cgroup)) }
    } catch (error) {
      this.context.onWarning(`what container ${this.id} has used is not known: ${messageChain(error)}`)
      return { ...exit, oom: false, timedOut, usage: {} }
    }
  }

  /** Starts the program of a created container. @throws UsageError, StatusError, SyscallError, HookError */
  override async start(options: StartOptions = {}): Promise<void> {
    await super.start(await check.checkOptions('start', check.startShape(), options))
    this.#life.begin()
  }

  /**
   * Sends a signal to init, with `all` to all processes. @throws UsageError, NotFoundError, StatusError
   */
  override async kill(signal: check.Signal = 'SIGTERM', options: { readonly all?: boolean } = {}): Promise<void> {
    await super.kill(check.signalNumber(signal), await check.checkOptions('kill', check.killShape(), options))
  }

  /**
   * Writes the container to files, from which `Runtime.restore` makes one; it is gone then, unless it is left running.
   * @throws UsageError, StatusError unless it runs or is paused, ConfigError, UnsupportedError, CriuError, SyscallError
   */
  override async checkpoint(options: CheckpointOptions): Promise<void> {
    await super.checkpoint(await check.checkOptions('checkpoint', check.checkpointShape(), options))
  }

  /** Removes the container; `force` kills it first. @throws UsageError, NotFoundError, StatusError, StoreError */
  override async delete(options: { readonly force?: boolean } = {}): Promise<void> {
    await super.delete(await check.checkOptions('delete', check.deleteShape(), options))
    forgetExit(this.context.store.directory(this.key))
  }

  /**
   * What happens to the container until it ends: statistics, the first after one interval, and OOM kills at once.
   * Leaving the loop, `return` and `signal` end it at once and release everything. @throws StatusError, UsageError
   */
  override events(options: EventOptions = {}): AsyncGenerator<ContainerEvent, void, void> {
    const { signal, ...rest } = check.checkNow('events', check.eventsShape(), options)
    return stoppable((stop) => super.events({ ...rest, stop }), signal)
  }

  /**
   * Changes limits, and with `intelRdt` what resctrl allows; what is not given stays as it is. All are changed, or none.
   * @throws UsageError for a limit that nobody knows, ConfigError, StatusError unless it is created, running or paused,
   * UnsupportedError, SyscallError
   */
  override async update(resources: Resources, intelRdt: RdtSchemas = {}): Promise<void> {
    await super.update(check.checkNow('update', check.resourceNames(), resources), intelRdt)
  }

  /**
   * Adds a process to a created or running container.
   * @throws UsageError, NotFoundError, StatusError, ConfigError, SyscallError, ProtocolError, the reason of `signal`
   */
  async exec(options: ExecOptions): Promise<ExecHandle> {
    const given = await check.checkOptions('exec', check.execShape(options), options)
    given.signal?.throwIfAborted()
    const { stdio: target, timeout, killSignal, signal, ...rest } = given
    const size = 'terminal' in given ? sizeOf(given.terminal) : undefined
    const { execProcess } = await import('../launch/exec.js')
    const stdio = new OpenedStdio(target ?? 'inherit')
    try {
      const settings = {
        ...rest,
        stdio: stdio.fds,
        ...('terminal' in given ? { terminal: Boolean(given.terminal) } : {}),
      }
      const { pid, pidfd, ptmx } = await execProcess(this.context, this.key, settings as LaunchOptions, {
        terminalStays: !given.consoleSocket,
        onTerminal: (fd) => size && setTerminalSize(fd, size.cols, size.rows),
      })
      stdio.started()
      const terminal = ptmx < 0 ? null : new Terminal(ptmx)
      const life = {
        ...(timeout && { timeout }),
        ...(killSignal !== undefined && { killSignal }),
        ...(signal && { signal }),
      }
      return new ExecHandle(new Child(pid, pidfd, { own: true }), stdio, terminal, life)
    } catch (error) {
      stdio.abandon()
      throw error
    }
  }

  /**
   * Resolves when init has ended; the exit status is there when this thread has made the container.
   * @throws UsageError, NotFoundError, StoreError, the reason of `signal`
   */
  async wait(options: { readonly signal?: AbortSignal } = {}): Promise<ContainerExit> {
    const { signal } = await check.checkOptions('wait', check.waitShape(), options)
    const exit = (this.#exit ??= this.#find())
    await this.#child?.wait(signal)
    return exit
  }

  /** Another handle of this program may have made it. */
  #find(): Promise<ContainerExit> {
    const { store } = this.context
    const record = store.load(this.key)
    const known = recallExit(store.directory(this.key), record)
    if (known !== undefined) {
      this.#child = childOf(record.pid)
      return known
    }
    const pidfd = openInit(record)
    if (pidfd < 0) return Promise.resolve(this.#lastLook(record, unknownExit))
    return this.#follow(new Child(record.pid, pidfd, { own: false }), record)
  }

  /** Kills and removes it, and closes its streams. @throws what `delete` throws */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.delete({ force: true })
    for (const stream of [this.stdin, this.stdout, this.stderr, this.terminal]) stream?.destroy()
  }
}
