/** What can be done with one container, by the command line and by the library. */
import type { Mount, Resources } from './config/types.js'
import { processesOf } from './launch/members.js'
import type { CheckpointOptions } from './launch/checkpoint.js'
import type { RuntimeContext } from './launch/context.js'
import type { ContainerEvent, EventOptions } from './launch/events.js'
import type { ExecOptions } from './launch/exec-options.js'
import type { StartOptions } from './launch/start.js'
import { observeStatus } from './state/observe.js'
import type { RdtSchemas } from './plan/intel-rdt.js'
import { toContainerState, type ContainerState } from './state/record.js'
import type { ContainerId } from './state/store.js'
import type { ContainerStats } from './stats/types.js'

/** One container of a Runtime, by its id. */
export class CoreContainer {
  readonly id: string
  protected readonly key: ContainerId
  protected readonly context: RuntimeContext

  /** Made by a Runtime. */
  constructor(context: RuntimeContext, id: ContainerId) {
    this.context = context
    this.key = id
    this.id = id
  }

  /** The state as it is now. @throws NotFoundError, StoreError */
  state(): Promise<ContainerState> {
    return later(() => {
      const { store } = this.context
      const record = store.load(this.key)
      return toContainerState(record, observeStatus(store, this.key, record), ownerName(record.owner))
    })
  }

  /** Starts the program of a created container. @throws StatusError, SyscallError, HookError */
  async start(options: StartOptions = {}): Promise<void> {
    const { startContainer } = await import('./launch/start.js')
    return startContainer(this.context, this.key, options)
  }

  /**
   * Sends a signal (number) to init, with `all` to all processes. @throws NotFoundError, StatusError
   */
  async kill(signal: number, options: { all?: boolean } = {}): Promise<void> {
    const { killContainer } = await import('./launch/kill.js')
    return killContainer(this.context, this.key, signal, { all: options.all ?? false })
  }

  /**
   * Writes the container to files, from which Runtime.restore makes one; unless `leaveRunning` or `preDump` is set it is gone then.
   * @throws StatusError unless it runs or is paused, UsageError, ConfigError, UnsupportedError, CriuError
   */
  async checkpoint(options: CheckpointOptions): Promise<void> {
    const { checkpointContainer } = await import('./launch/checkpoint.js')
    return checkpointContainer(this.context, this.key, options)
  }

  /** Stops all processes until `resume`. @throws StatusError unless it runs or is created, UnsupportedError */
  async pause(): Promise<void> {
    const { pauseContainer } = await import('./launch/pause.js')
    return pauseContainer(this.context, this.key)
  }

  /** Lets the processes of a paused container go on. @throws StatusError unless it is paused */
  async resume(): Promise<void> {
    const { resumeContainer } = await import('./launch/pause.js')
    return resumeContainer(this.context, this.key)
  }

  /** Pids of all processes, in the pid namespace of the runtime, in ascending order; none when it has stopped. */
  processes(): Promise<number[]> {
    return later(() => processesOf(this.context.store.load(this.key)).sort((one, other) => one - other))
  }

  /** What the container uses now. @throws StatusError when it has stopped */
  async stats(): Promise<ContainerStats> {
    const { containerStats } = await import('./launch/events.js')
    return containerStats(this.context, this.key)
  }

  /**
   * What happens to the container until it ends: statistics, the first after one interval, and OOM
   * kills at once. Leaving the loop releases everything. @throws StatusError, UsageError
   */
  async *events(options: EventOptions = {}): AsyncGenerator<ContainerEvent, void, void> {
    const { containerEvents } = await import('./launch/events.js')
    yield* containerEvents(this.context, this.key, options)
  }

  /**
   * Adds a process as `tsrun exec` does. In the foreground (blocks the calling thread) signals are
   * forwarded, and this process's terminal becomes its terminal.
   * @returns the exit status for a shell: the program's, or 128 + signal; 0 when detached
   * @throws NotFoundError, StatusError, ConfigError, UsageError, SyscallError, ProtocolError
   */
  async execForeground(options: ExecOptions & { readonly detach?: boolean }): Promise<number> {
    const { runExec } = await import('./launch/exec-run.js')
    return runExec(this.context, this.key, options)
  }

  /**
   * Changes limits, and with `intelRdt` what resctrl allows; what is not given stays as it is. All are changed, or none.
   * @throws ConfigError, StatusError unless it is created, running or paused, UnsupportedError, SyscallError
   */
  async update(resources: Resources, intelRdt: RdtSchemas = {}): Promise<void> {
    const { updateContainer } = await import('./launch/update.js')
    await updateContainer(this.context, this.key, resources, intelRdt)
  }

  /**
   * Adds mounts, entries as in config.json, whose sources are opened where the caller is. All are made, or none.
   * @throws ConfigError, StatusError when it has stopped, UnsupportedError, SyscallError
   */
  async addMounts(mounts: readonly Mount[]): Promise<void> {
    const { addMounts } = await import('./launch/mounts.js')
    return addMounts(this.context, this.key, mounts)
  }

  /** Takes away what is mounted at the destinations. All of them, or none. @throws as addMounts */
  async removeMounts(mounts: readonly Mount[]): Promise<void> {
    const { removeMounts } = await import('./launch/mounts.js')
    return removeMounts(this.context, this.key, mounts)
  }

  /** Removes the container; `force` kills it first. @throws NotFoundError, StatusError, StoreError */
  async delete(options: { force?: boolean } = {}): Promise<void> {
    const { deleteContainer } = await import('./launch/delete.js')
    return deleteContainer(this.context, this.key, { force: options.force ?? false })
  }
}

/** Work that is done at once, for a function that promises its result: its errors reject, they are not thrown. */
export const later = <T>(work: () => T): Promise<T> => Promise.resolve().then(work)

/** runc prints the owner's login name; without NSS there is one that everybody knows, and the number. */
export const ownerName = (uid: number): string => (uid === 0 ? 'root' : `#${uid}`)
