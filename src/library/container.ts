/** Library: a container of a program that embeds tsrun. */
import type { Readable, Writable } from 'node:stream'
import { Cgroup } from '../cgroup/cgroup.js'
import type { Mount, Resources } from '../config/types.js'
import { sigkill } from '../config/vocabulary/signals.js'
import { messageChain } from '../errors.js'
import type { CheckpointOptions } from '../launch/checkpoint.js'
import type { ContainerEvent, EventOptions as LaunchEvents } from '../launch/events.js'
import type { ExecOptions as LaunchOptions } from '../launch/exec-options.js'
import type { StartOptions } from '../launch/start.js'
import { copyDescriptor } from '../native/event-loop.js'
import type { RdtSchemas } from '../plan/intel-rdt.js'
import type { ContainerState, StateRecord } from '../state/record.js'
import type { ContainerId } from '../state/store.js'
import type { ContainerStats } from '../stats/types.js'
import { readUsage } from '../stats/usage.js'
import { Child, childOf, unknownExit, type ProcessExit } from './children.js'
import type { Core } from './core-thread.js'
import type { Handed } from './core.js'
import { stoppable } from './events.js'
import type { ContainerExit, DeleteOptions, EventOptions, ExecOptions, PressureOptions } from './container-options.js'
import { ExecHandle } from './exec-handle.js'
import { forgetExit, recallExit, rememberExit, stateDirectory } from './exits.js'
import { Life, untilAborted, type LifeOptions } from './life.js'
import * as check from './options.js'
import { OpenedStdio, type Pipes } from './stdio.js'
import type { PressureEvent, PressureThreshold } from './pressure.js'
import { supervisorOf } from './supervisor.js'
import { Terminal, type TerminalSize } from './streams.js'

/** What a container has that this program has made, beyond one that it has found. */
export interface Origin {
  readonly record: StateRecord
  readonly child: Child
  readonly stdio: OpenedStdio
  readonly terminal: Terminal | null
  readonly options: LifeOptions
}

/** The size that is asked for, where one is. */
export const sizeOf = (terminal: boolean | TerminalSize | undefined): TerminalSize | undefined =>
  typeof terminal === 'object' ? terminal : undefined

/** One container of a Runtime. */
export class Container implements Pipes {
  readonly id: string
  /** Its standard streams, where `create` was told `pipe`. */
  readonly stdin: Writable | null
  readonly stdout: Readable | null
  readonly stderr: Readable | null
  /** Its terminal, where `create` was told to keep that. */
  readonly terminal: Terminal | null
  readonly #core: Core
  readonly #key: ContainerId
  readonly #life: Life
  #child: Child | undefined
  #exit: Promise<ContainerExit> | undefined

  /** Made by Runtime; `origin` for one that this program has made just now. */
  constructor(core: Core, id: ContainerId, origin?: Origin) {
    this.id = id
    this.#core = core
    this.#key = id
    this.stdin = origin?.stdio.stdin ?? null
    this.stdout = origin?.stdio.stdout ?? null
    this.stderr = origin?.stdio.stderr ?? null
    this.terminal = origin?.terminal ?? null
    this.#life = new Life(origin?.options ?? {}, (signal) => {
      void core.container(id, 'kill', signal).catch(() => undefined)
    })
    if (origin === undefined) return
    const { child, record } = origin
    rememberExit(this.#directory, record, this.#follow(child, record))
  }

  get #directory(): string {
    return stateDirectory(this.#core.settings.root, this.id)
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
      this.#core.onWarning(`what container ${this.id} has used is not known: ${messageChain(error)}`)
      return { ...exit, oom: false, timedOut, usage: {} }
    }
  }

  /** The state as it is now. @throws NotFoundError, StoreError */
  state(): Promise<ContainerState> {
    return this.#core.container(this.#key, 'state')
  }

  /**
   * Starts the program of a created container; `signal` kills what is being started.
   * @throws UsageError, StatusError, SyscallError, HookError, the reason of `signal` or of that of `create`
   */
  async start(options: StartOptions & { readonly signal?: AbortSignal } = {}): Promise<void> {
    const { signal, ...given } = await check.checkOptions('start', check.startShape(), options)
    this.#life.throwIfAborted()
    const kill = (): void => void this.#core.container(this.#key, 'kill', sigkill).catch(() => undefined)
    await untilAborted(signal, () => this.#core.container(this.#key, 'start', given), kill)
    this.#life.begin()
  }

  /**
   * Sends a signal to init, with `all` to all processes. @throws UsageError, NotFoundError, StatusError
   */
  async kill(signal: check.Signal = 'SIGTERM', options: { readonly all?: boolean } = {}): Promise<void> {
    const number = check.signalNumber(signal)
    await this.#core.container(this.#key, 'kill', number, await check.checkOptions('kill', check.killShape(), options))
  }

  /** Stops all processes until `resume`. @throws StatusError unless it runs or is created, UnsupportedError */
  pause(): Promise<void> {
    return this.#core.container(this.#key, 'pause')
  }

  /** Lets the processes of a paused container go on. @throws StatusError unless it is paused */
  resume(): Promise<void> {
    return this.#core.container(this.#key, 'resume')
  }

  /** Pids of all processes, in the pid namespace of this program, in ascending order; none when it has stopped. */
  processes(): Promise<number[]> {
    return this.#core.container(this.#key, 'processes')
  }

  /** What the container uses now. @throws StatusError when it has stopped */
  stats(): Promise<ContainerStats> {
    return this.#core.container(this.#key, 'stats')
  }

  /**
   * Writes the container to files, from which `Runtime.restore` makes one; it is gone then, unless it is left running.
   * @throws UsageError, StatusError unless it runs or is paused, ConfigError, UnsupportedError, CriuError, SyscallError
   */
  async checkpoint(options: CheckpointOptions): Promise<void> {
    const given = await check.checkOptions('checkpoint', check.checkpointShape(), options)
    await this.#core.container(this.#key, 'checkpoint', given)
  }

  /**
   * Removes the container; `force` kills it first. `signal` ends the wait for it: the removal goes on.
   * @throws UsageError, NotFoundError, StatusError, StoreError, the reason of `signal`
   */
  async delete(options: DeleteOptions = {}): Promise<void> {
    const { signal, ...given } = await check.checkOptions('delete', check.deleteShape(), options)
    await untilAborted(signal, async () => {
      await this.#core.container(this.#key, 'delete', given)
      // It has ended, and nobody may have taken notice yet.
      this.#child?.collect()
      forgetExit(this.#directory)
    })
  }

  /**
   * What happens to the container until it ends: statistics, the first after one interval, OOM kills and a shortage of
   * memory at once. Leaving the loop, `return` and `signal` end it at once and release everything.
   * @throws StatusError, UsageError, UnsupportedError for `memoryPressure`
   */
  events(options: PressureOptions): AsyncGenerator<ContainerEvent | PressureEvent, void, void>
  events(options?: EventOptions): AsyncGenerator<ContainerEvent, void, void>
  events(options: EventOptions | PressureOptions = {}): AsyncGenerator<ContainerEvent | PressureEvent, void, void> {
    const { signal, memoryPressure, ...rest } = check.checkNow<Partial<PressureOptions>>(
      'events',
      check.eventsShape(),
      options,
    )
    return stoppable((stop) => this.#events({ ...rest, stop }, memoryPressure), signal)
  }

  async *#events(
    options: LaunchEvents,
    threshold: PressureThreshold | undefined,
  ): AsyncGenerator<ContainerEvent | PressureEvent, void, void> {
    const source = await this.#core.ask('openEvents', [this.#key, options, threshold])
    try {
      for (;;) {
        const event = await this.#core.ask('nextEvent', [source])
        if (event === undefined) return
        yield event
      }
    } finally {
      await this.#core.ask('endEvents', [source])
    }
  }

  /**
   * Changes limits, and with `intelRdt` what resctrl allows; what is not given stays as it is. All are changed, or none.
   * @throws UsageError for a limit that nobody knows, ConfigError, StatusError unless it is created, running or paused,
   * UnsupportedError, SyscallError
   */
  async update(resources: Resources, intelRdt: RdtSchemas = {}): Promise<void> {
    const given = check.checkNow('update', check.resourceNames(), resources)
    const schemas = check.checkNow('update', check.rdtShape(), intelRdt)
    await this.#core.container(this.#key, 'update', given, schemas)
  }

  /**
   * Adds mounts, entries as in config.json, whose sources are opened where this program is. All are made, or none.
   * @throws ConfigError, StatusError when it has stopped, UnsupportedError, SyscallError
   */
  async addMounts(mounts: readonly Mount[]): Promise<void> {
    const given = await check.checkOptions('addMounts', check.mountList, mounts)
    await this.#core.container(this.#key, 'addMounts', given)
  }

  /** Takes away what is mounted at the destinations. All of them, or none. @throws as addMounts */
  async removeMounts(mounts: readonly Mount[]): Promise<void> {
    const given = await check.checkOptions('removeMounts', check.mountList, mounts)
    await this.#core.container(this.#key, 'removeMounts', given)
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
    const terminal = 'terminal' in given ? { terminal: Boolean(given.terminal) } : {}
    const stdio = new OpenedStdio(target ?? 'inherit')
    try {
      const asked = { ...rest, ...terminal, stdio: stdio.fds } as LaunchOptions
      const take = ({ pid, pidfd, ptmx }: Handed): ExecHandle => {
        stdio.started()
        const own = ptmx < 0 ? null : new Terminal(copyDescriptor(ptmx))
        const child = new Child(pid, copyDescriptor(pidfd), { own: true })
        return new ExecHandle(child, stdio, own, check.present({ timeout, killSignal, signal }))
      }
      return await this.#core.ask('exec', [this.#key, asked, size], take, supervisorOf(this.#directory))
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
    signal?.throwIfAborted()
    if (this.#exit === undefined) await this.#find()
    await this.#child?.wait(signal)
    return this.#exit as Promise<ContainerExit>
  }

  #find(): Promise<void> {
    return this.#core.ask('find', [this.#key], ({ record, pid, pidfd }) => {
      // Another handle of this program may have made it.
      const known = this.#exit ?? recallExit(this.#directory, record)
      if (known !== undefined) {
        this.#child ??= childOf(pid)
        this.#exit = known
      } else if (pidfd < 0) this.#exit = Promise.resolve(this.#lastLook(record, unknownExit))
      else void this.#follow(new Child(pid, copyDescriptor(pidfd), { own: false }), record)
    })
  }

  /** Kills and removes it, and closes its streams. @throws what `delete` throws */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.delete({ force: true })
    for (const stream of [this.stdin, this.stdout, this.stderr, this.terminal]) stream?.destroy()
  }
}
