/** Library: makes containers for a program that embeds tsrun, and finds those that exist. */
import { features, type Features } from '../features.js'
import type { CreateOptions as LaunchOptions } from '../launch/prepare.js'
import type { RestoreOptions as RestoreLaunchOptions } from '../launch/restore.js'
import { loadAddon } from '../native/binding.js'
import { copyDescriptor } from '../native/event-loop.js'
import type { LaunchPlan } from '../plan/types.js'
import { CoreRuntime, defaultRoot, type ContainerList, type RunOptions, type RuntimeOptions } from '../runtime.js'
import type { StateRecord } from '../state/record.js'
import { parseContainerId, type ContainerId } from '../state/store.js'
import { Child } from './children.js'
import type { DeleteOptions } from './container-options.js'
import { Container, sizeOf, type Origin } from './container.js'
import { Core } from './core-thread.js'
import type { Handed } from './core.js'
import { forgetExit, stateDirectory } from './exits.js'
import { guard } from './guard.js'
import { untilAborted, type LifeOptions } from './life.js'
import * as check from './options.js'
import { OpenedStdio, type Stdio } from './stdio.js'
import { supervise, Supervisor, type SyscallHandlers } from './supervisor.js'
import { Terminal, type TerminalSize } from './streams.js'

/** What `create` takes. */
export interface CreateOptions extends Omit<LaunchOptions, 'stdio'>, LifeOptions {
  /** Default: the standard streams of this program. */
  readonly stdio?: Stdio
  /** Kills the container when this thread or this program ends, however that comes; else containers go on without it. */
  readonly killOnExit?: boolean
  /** Keeps the terminal of a config with `process.terminal` in the handle, instead of sending it to a console socket. */
  readonly terminal?: true | TerminalSize
  /**
   * Decides these system calls of the container's processes, by their names; see SyscallHandler for what is not safe.
   * While this program is gone they fail with ENOSYS.
   */
  readonly onSyscall?: SyscallHandlers
}

/** What `plan` takes. */
export interface PlanOptions extends Omit<LaunchOptions, 'stdio'> {
  /** Default: the name of the bundle's directory. */
  readonly id?: string
}

/** What `restore` takes. */
export interface RestoreOptions
  extends Omit<RestoreLaunchOptions, 'stdio'>, Pick<CreateOptions, 'stdio' | 'killOnExit' | 'terminal'> {}

/** What of the options is not for the core. */
type OwnOptions = Pick<CreateOptions, 'stdio' | 'killOnExit' | 'terminal'> &
  LifeOptions & { readonly supervisor?: Supervisor }

/** What the core gives of a container that was made. */
type Given = Handed & { readonly record: StateRecord }

/** A container that was made just now. */
type Made = Pick<Origin, 'record' | 'child' | 'terminal'> & { readonly guarded: Promise<() => void> | undefined }

/**
 * Each call has a turn of the event loop for itself: to send many large configs at once would keep it from all else, also
 * as immediates of one turn.
 */
let lastTurn = Promise.resolve()
const turn = (): Promise<void> => (lastTurn = lastTurn.then(() => new Promise((resolve) => void setImmediate(resolve))))

/**
 * Makes, finds and removes containers below one root directory. The work is done in a thread that all Runtimes of this one
 * share.
 */
export class Runtime {
  /** Parent of all state directories. */
  readonly root: string
  readonly #options: RuntimeOptions
  readonly #core: Core

  /** @throws UsageError, UnsupportedError where the addon cannot be loaded */
  constructor(options: RuntimeOptions = {}) {
    const { onWarning = () => undefined, ...settings } = check.checkNow('Runtime', check.runtimeShape(), options)
    loadAddon()
    this.root = settings.root ?? defaultRoot()
    this.#options = options
    this.#core = new Core({ ...settings, root: this.root }, onWarning)
  }

  /**
   * Makes a container that waits for `start`.
   * @throws ConfigError, UsageError, ExistsError, StoreError, SyscallError, HookError, ProtocolError,
   * UnsupportedError, the reason of `signal`
   */
  async create(id: string, options: CreateOptions): Promise<Container> {
    const containerId = parseContainerId(id)
    const given = await check.checkOptions('create', check.createShape(), options)
    await turn()
    given.signal?.throwIfAborted()
    const { config, stdio, terminal, killOnExit, timeout, killSignal, signal, onSyscall, ...rest } = given
    const supervisor = onSyscall && new Supervisor(onSyscall, this.#core.onWarning)
    const how = {
      ...{ foreground: terminal !== undefined, supervised: Object.keys(onSyscall ?? {}) },
      // Sent as text, as which it is kept: much less work than to send all its members.
      ...(config === undefined ? {} : { configText: check.configText(config) }),
    }
    const life = check.present({ timeout, killSignal, signal })
    const own = { ...check.present({ stdio, terminal, killOnExit, supervisor }), ...life }
    return this.#make(containerId, own, (fds, take) =>
      this.#core.ask('create', [containerId, { ...rest, stdio: fds }, how], take, supervisor),
    )
  }

  /**
   * Creates and starts a container. In the foreground (blocks the calling thread) signals are forwarded
   * and the container is removed at its end.
   * @returns the exit status for a shell: the program's, or 128 + signal; 0 when detached
   * @throws what `create` and `start` throw
   */
  async run(id: string, options: RunOptions): Promise<number> {
    return new CoreRuntime(this.#options).run(id, await check.checkOptions('run', check.foregroundShape(), options))
  }

  /**
   * Makes a container from the files of a checkpoint, which goes on where the other one was.
   * @throws ConfigError, UsageError, ExistsError, UnsupportedError, CriuError, HookError, SyscallError
   */
  async restore(id: string, options: RestoreOptions): Promise<Container> {
    const containerId = parseContainerId(id)
    const given = await check.checkOptions('restore', check.restoreShape(), options)
    await turn()
    const { stdio, terminal, killOnExit, ...rest } = given
    return this.#make(containerId, check.present({ stdio, terminal, killOnExit }), (fds, take) =>
      this.#core.ask('restore', [containerId, { ...rest, stdio: fds }, terminal !== undefined], take),
    )
  }

  async #make(
    id: ContainerId,
    { stdio: target = 'inherit', terminal: wanted, killOnExit = false, supervisor, ...options }: OwnOptions,
    ask: (stdio: OpenedStdio['fds'], take: (given: Given) => Made) => Promise<Made>,
  ): Promise<Container> {
    const stdio = new OpenedStdio(target)
    try {
      const made = await ask(stdio.fds, ({ record, pid, pidfd, ptmx }) => {
        const guarded = killOnExit ? guard(pidfd) : undefined
        const terminal = ptmx < 0 ? null : new Terminal(copyDescriptor(ptmx))
        return { record, terminal, guarded, child: new Child(pid, copyDescriptor(pidfd), { own: true }) }
      })
      stdio.started()
      const { guarded, ...rest } = made
      if (supervisor) supervise(stateDirectory(this.root, id), supervisor, made.child.ended)
      const container = new Container(this.#core, id, { ...rest, stdio, options })
      try {
        const size = sizeOf(wanted)
        if (size) made.terminal?.resize(size)
        const release = await guarded
        if (release !== undefined) void made.child.ended.then(release)
        options.signal?.throwIfAborted()
      } catch (error) {
        // Nobody would hold it.
        await container[Symbol.asyncDispose]()
        throw error
      }
      return container
    } catch (error) {
      stdio.abandon()
      throw error
    }
  }

  /** The container with this id. @throws NotFoundError, StoreError, UsageError */
  async get(id: string): Promise<Container> {
    const containerId = parseContainerId(id)
    await this.#core.ask('record', [containerId])
    return new Container(this.#core, containerId)
  }

  /** All containers under the root, sorted by id. @throws StoreError */
  list(): Promise<ContainerList> {
    return this.#core.runtime('list')
  }

  /** Removes a container, also one that is only half made. @throws as Container.delete */
  async delete(id: string, options: DeleteOptions = {}): Promise<void> {
    const containerId = parseContainerId(id)
    const { signal, ...given } = await check.checkOptions('delete', check.deleteShape(), options)
    await untilAborted(signal, async () => {
      await this.#core.runtime('delete', containerId, given)
      forgetExit(stateDirectory(this.root, containerId))
    })
  }

  /** What `create` would do for root, in order; whoever asks. @throws UsageError, ConfigError, UnsupportedError */
  async plan(options: PlanOptions): Promise<LaunchPlan> {
    return this.#core.runtime('plan', await check.checkOptions('plan', check.planShape(), options))
  }

  /** What this build can do, whatever the host can (features.md of the runtime spec). */
  features(): Features {
    return features()
  }
}
