/** Makes containers and finds those that exist, for the command line and for the library. */
import { CoreContainer, later, ownerName } from './container.js'
import { NotFoundError } from './errors.js'
import { isInUserNamespace } from './host/facts.js'
import type { RuntimeContext } from './launch/context.js'
import type { Gauges } from './stats/gauges.js'
import type { CreateOptions } from './launch/prepare.js'
import type { RestoreOptions } from './launch/restore.js'
import { blockingWaiter, type Waiter } from './native/wait.js'
import { closeFile, compileSeccomp, processIds } from './native/binding.js'
import type { CgroupManager, LaunchPlan } from './plan/types.js'
import { isAbandoned, observeStatus } from './state/observe.js'
import { toContainerState, type ContainerState } from './state/record.js'
import { parseContainerId, Store } from './state/store.js'

/** Settings of a Runtime. */
export interface RuntimeOptions {
  /** Parent of all state directories; default `defaultRoot()`. */
  readonly root?: string
  /** Use systemd for cgroups. */
  readonly systemdCgroup?: boolean
  /** Who makes cgroups. */
  readonly cgroupManager?: CgroupManager
  /** Tolerate missing rights on cgroups where no limit was asked for. */
  readonly rootless?: boolean | 'auto'
  /** Called with what went wrong without failing the operation. */
  readonly onWarning?: (message: string) => void
}

/** What `run` takes beyond `create`. */
export interface RunOptions extends CreateOptions {
  /** Return when the container runs, instead of when it has ended. */
  readonly detach?: boolean
  /** Leave the stopped container for `delete`. */
  readonly keep?: boolean
  /** Don't become the subreaper of the container's orphans. */
  readonly noSubreaper?: boolean
}

/** All containers under a root. */
export interface ContainerList {
  readonly containers: readonly ContainerState[]
  /** State directories that could not be read, and why. */
  readonly broken: readonly { readonly id: string; readonly error: Error }[]
}

/**
 * /run/tsrun for root, $XDG_RUNTIME_DIR/tsrun for others: also for the root of a user namespace, unless
 * its user is called root there too (runc's rule).
 */
export function defaultRoot(): string {
  const { XDG_RUNTIME_DIR: runtimeDirectory = '', USER: user } = process.env
  if (runtimeDirectory === '') return '/run/tsrun'
  if (processIds().euid === 0 && (user === 'root' || !isInUserNamespace())) return '/run/tsrun'
  return `${runtimeDirectory}/tsrun`
}

/** Where and how a runtime with these settings makes its containers, and how it waits. */
export function makeContext(options: RuntimeOptions, waiter: Waiter): RuntimeContext {
  return {
    store: new Store(options.root ?? defaultRoot()),
    waiter,
    onWarning: options.onWarning ?? (() => undefined),
    cgroupManager: options.cgroupManager ?? (options.systemdCgroup ? 'systemd' : 'cgroupfs'),
    rootless: options.rootless ?? 'auto',
  }
}

/** Makes, finds and removes containers below one root directory. */
export class CoreRuntime {
  /** Parent of all state directories. */
  readonly root: string
  protected readonly context: RuntimeContext

  /** `waiter` says how the operations wait; blocking is for programs that have nothing else to do. */
  constructor(options: RuntimeOptions = {}, waiter: Waiter = blockingWaiter) {
    this.context = makeContext(options, waiter)
    this.root = this.context.store.root
  }

  /**
   * Makes a container that waits for `start`.
   * @throws ConfigError, UsageError, ExistsError, StoreError, SyscallError, HookError, ProtocolError,
   * UnsupportedError
   */
  async create(id: string, options: CreateOptions): Promise<CoreContainer> {
    const containerId = parseContainerId(id)
    const mode = { foreground: false, startSocket: true }
    // Planners and all: only loaded by those who create.
    const { createContainer } = await import('./launch/create.js')
    const created = await createContainer(this.context, containerId, options, mode)
    closeFile(created.sync)
    closeFile(created.pidfd)
    return new CoreContainer(this.context, containerId)
  }

  /**
   * Creates and starts a container. In the foreground (blocks the calling thread) signals are forwarded
   * and the container is removed at its end.
   * @returns the exit status for a shell: the program's, or 128 + signal; 0 when detached
   * @throws what `create` and `start` throw
   */
  async run(id: string, options: RunOptions): Promise<number> {
    const { runContainer } = await import('./launch/run.js')
    return runContainer(this.context, parseContainerId(id), options)
  }

  /**
   * Makes a container from the files of a checkpoint, which goes on where the other one was.
   * @throws ConfigError, UsageError, ExistsError, UnsupportedError, CriuError, HookError, SyscallError
   */
  async restore(id: string, options: RestoreOptions): Promise<CoreContainer> {
    const containerId = parseContainerId(id)
    const { restoreContainer } = await import('./launch/restore.js')
    closeFile((await restoreContainer(this.context, containerId, options, { foreground: false })).pidfd)
    return new CoreContainer(this.context, containerId)
  }

  /** The same in the foreground, as `run`. @returns the exit status for a shell @throws what `restore` throws */
  async runRestored(id: string, options: RestoreOptions & { readonly noSubreaper?: boolean }): Promise<number> {
    const { runRestored } = await import('./launch/restore-run.js')
    return runRestored(this.context, parseContainerId(id), options)
  }

  /** The container with this id. @throws NotFoundError, StoreError, UsageError */
  get(id: string): Promise<CoreContainer> {
    return later(() => {
      const containerId = parseContainerId(id)
      this.context.store.load(containerId)
      return new CoreContainer(this.context, containerId)
    })
  }

  /** The container with this id for one operation, which says itself whether there is one. @throws UsageError */
  at(id: string): CoreContainer {
    return new CoreContainer(this.context, parseContainerId(id))
  }

  /** Ids of all state directories, whatever is in them. @throws StoreError */
  ids(): readonly string[] {
    return this.context.store.list()
  }

  /** Opens what a container uses, to be read again and again. @throws NotFoundError, StoreError, SyscallError */
  async gauges(id: string): Promise<Gauges> {
    const { openGauges } = await import('./launch/gauges.js')
    return openGauges(this.context, parseContainerId(id))
  }

  /** All containers under the root, sorted by id. @throws StoreError */
  list(): Promise<ContainerList> {
    return later(() => this.#list())
  }

  #list(): ContainerList {
    const { store } = this.context
    const containers: ContainerState[] = []
    const broken: { id: string; error: Error }[] = []
    for (const id of store.list()) {
      try {
        const record = store.load(id)
        containers.push(toContainerState(record, observeStatus(store, id, record), ownerName(record.owner)))
      } catch (error) {
        // Deleted since the directory was listed, or somebody is at it, and has not come to its record or got past it.
        if (!(error instanceof NotFoundError) || isAbandoned(store, id)) broken.push({ id, error: error as Error })
      }
    }
    return { containers, broken }
  }

  /** Removes a container, also one that is only half made. @throws as Container.delete */
  async delete(id: string, options: { force?: boolean } = {}): Promise<void> {
    const { deleteContainer } = await import('./launch/delete.js')
    await deleteContainer(this.context, parseContainerId(id), { force: options.force ?? false })
  }

  /** What `create` would do for root, in order; whoever asks. @throws ConfigError, UnsupportedError */
  async plan(options: CreateOptions & { id?: string }): Promise<LaunchPlan> {
    const { findBundle, prepare } = await import('./launch/prepare.js')
    const bundle = findBundle(options.bundle)
    const id = options.id ?? bundle.slice(bundle.lastIndexOf('/') + 1)
    const inputs = { cgroupManager: this.context.cgroupManager, compileSeccomp, asRoot: true }
    return (await prepare(id, options, inputs)).plan
  }
}
