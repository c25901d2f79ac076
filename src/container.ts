/** A container handle: what can be done with one container. */
import { ExecHandle } from './exec-handle.js'
import type { Resources } from './config/types.js'
import { processesOf } from './launch/members.js'
import type { RuntimeContext } from './launch/context.js'
import type { ContainerEvent, EventOptions } from './launch/events.js'
import type { ExecOptions } from './launch/exec-options.js'
import type { StartOptions } from './launch/start.js'
import { closeFile, openProcess, reapProcess, type ExitStatus } from './native/binding.js'
import { liveProcess, observeStatus } from './state/observe.js'
import type { RdtSchemas } from './plan/intel-rdt.js'
import { toContainerState, type ContainerState } from './state/record.js'
import type { ContainerId } from './state/store.js'
import type { ContainerStats } from './stats/types.js'

/** How a container or a process ended: exactly one of `code` and `signal`, none when another process was its parent. */
export type ContainerExit = ExitStatus | { readonly code: null; readonly signal: null }

/** One container of a Runtime. */
export class Container {
  readonly id: string
  readonly #id: ContainerId
  readonly #context: RuntimeContext
  /** Kept from the create of this process, so that the exit status can be had. */
  #pidfd: number
  #exit: Promise<ContainerExit> | undefined

  /** Made by Runtime; `pidfd` is owned by the handle, -1 when the container was opened by id. */
  constructor(context: RuntimeContext, id: ContainerId, pidfd: number) {
    this.#context = context
    this.#id = id
    this.id = id
    this.#pidfd = pidfd
  }

  /** The state as it is now. @throws NotFoundError, StoreError */
  state(): Promise<ContainerState> {
    return later(() => {
      const { store } = this.#context
      const record = store.load(this.#id)
      return toContainerState(record, observeStatus(store, this.#id, record), ownerName(record.owner))
    })
  }

  /** Starts the program of a created container. @throws StatusError, SyscallError, HookError */
  async start(options: StartOptions = {}): Promise<void> {
    const { startContainer } = await import('./launch/start.js')
    return startContainer(this.#context.store, this.#id, this.#context.waiter, options)
  }

  /**
   * Sends a signal (number) to init, with `all` to all processes. @throws NotFoundError, StatusError
   */
  async kill(signal: number, options: { all?: boolean } = {}): Promise<void> {
    const { killContainer } = await import('./launch/kill.js')
    return killContainer(this.#context, this.#id, signal, { all: options.all ?? false })
  }

  /** Stops all processes until `resume`. @throws StatusError unless it runs or is created, UnsupportedError */
  async pause(): Promise<void> {
    const { pauseContainer } = await import('./launch/pause.js')
    return pauseContainer(this.#context, this.#id)
  }

  /** Lets the processes of a paused container go on. @throws StatusError unless it is paused */
  async resume(): Promise<void> {
    const { resumeContainer } = await import('./launch/pause.js')
    return resumeContainer(this.#context, this.#id)
  }

  /** Pids of all processes, in the pid namespace of the runtime, in ascending order; none when it has stopped. */
  processes(): Promise<number[]> {
    return later(() => processesOf(this.#context.store.load(this.#id)).sort((one, other) => one - other))
  }

  /** What the container uses now. @throws StatusError when it has stopped */
  async stats(): Promise<ContainerStats> {
    const { containerStats } = await import('./launch/events.js')
    return containerStats(this.#context, this.#id)
  }

  /**
   * What happens to the container until it ends: statistics, the first after one interval, and OOM
   * kills at once. Leaving the loop releases everything. @throws StatusError, UsageError
   */
  async *events(options: EventOptions = {}): AsyncGenerator<ContainerEvent, void, void> {
    const { containerEvents } = await import('./launch/events.js')
    yield* containerEvents(this.#context, this.#id, options)
  }

  /**
   * Adds a process to a created or running container. With a terminal and no `consoleSocket` the handle
   * has the terminal's ptmx.
   * @throws NotFoundError, StatusError, ConfigError, UsageError, SyscallError, ProtocolError
   */
  async exec(options: ExecOptions): Promise<ExecHandle> {
    const { execProcess } = await import('./launch/exec.js')
    const executed = await execProcess(this.#context, this.#id, options, { terminalStays: !options.consoleSocket })
    return new ExecHandle(this.#context.waiter, executed)
  }

  /**
   * Adds a process as `tsrun exec` does. In the foreground (blocks the calling thread) signals are
   * forwarded, and this process's terminal becomes its terminal.
   * @returns the exit status for a shell: the program's, or 128 + signal; 0 when detached
   * @throws as `exec`
   */
  async execForeground(options: ExecOptions & { readonly detach?: boolean }): Promise<number> {
    const { runExec } = await import('./launch/exec-run.js')
    return runExec(this.#context, this.#id, options)
  }

  /**
   * Changes limits, and with `intelRdt` what resctrl allows; what is not given stays as it is. All are changed, or none.
   * @throws ConfigError, StatusError unless it is created, running or paused, UnsupportedError, SyscallError
   */
  async update(resources: Resources, intelRdt: RdtSchemas = {}): Promise<void> {
    const { updateContainer } = await import('./launch/update.js')
    await updateContainer(this.#context, this.#id, resources, intelRdt)
  }

  /** Removes the container; `force` kills it first. @throws NotFoundError, StatusError, StoreError */
  async delete(options: { force?: boolean } = {}): Promise<void> {
    const { deleteContainer } = await import('./launch/delete.js')
    return deleteContainer(this.#context, this.#id, { force: options.force ?? false })
  }

  /** Resolves when init has ended; the exit status is there when this process made the container. */
  wait(): Promise<ContainerExit> {
    return (this.#exit ??= this.#waitForEnd())
  }

  async #waitForEnd(): Promise<ContainerExit> {
    const unknown = { code: null, signal: null }
    if (this.#pidfd < 0) {
      const record = this.#context.store.load(this.#id)
      this.#pidfd = openProcess(record.pid)
      if (this.#pidfd < 0) return unknown
      if (liveProcess(record) === undefined) return this.#closed(unknown)
    }
    await this.#context.waiter.readable(this.#pidfd)
    return this.#closed(reapProcess(this.#pidfd) ?? unknown)
  }

  #closed(exit: ContainerExit): ContainerExit {
    closeFile(this.#pidfd)
    this.#pidfd = -1
    return exit
  }
}

/** Work that is done at once, for a function that promises its result: its errors reject, they are not thrown. */
export const later = <T>(work: () => T): Promise<T> => Promise.resolve().then(work)

/** runc prints the owner's login name; without NSS there is one that everybody knows, and the number. */
export const ownerName = (uid: number): string => (uid === 0 ? 'root' : `#${uid}`)
