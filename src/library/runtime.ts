/** Library: makes containers for a program that embeds tsrun, and finds those that exist. */
import { features, type Features } from '../features.js'
import { createContainer, type Created } from '../launch/create.js'
import type { CreateOptions as LaunchOptions } from '../launch/prepare.js'
import type { RestoreOptions as RestoreLaunchOptions } from '../launch/restore.js'
import { closeFile } from '../native/binding.js'
import type { LaunchPlan } from '../plan/types.js'
import { CoreRuntime, type RunOptions, type RuntimeOptions } from '../runtime.js'
import { parseContainerId, type ContainerId } from '../state/store.js'
import { Child } from './children.js'
import { Container, sizeOf } from './container.js'
import { forgetExit } from './exits.js'
import { guard } from './guard.js'
import type { LifeOptions } from './life.js'
import * as check from './options.js'
import { OpenedStdio, type Stdio } from './stdio.js'
import { Terminal, type TerminalSize } from './streams.js'
import { eventWaiter } from './waiter.js'

/** What `create` takes. */
export interface CreateOptions extends Omit<LaunchOptions, 'stdio'>, LifeOptions {
  /** Default: the standard streams of this program. */
  readonly stdio?: Stdio
  /** Kills the container when this thread or this program ends, however that comes; else containers go on without it. */
  readonly killOnExit?: boolean
  /** Keeps the terminal of a config with `process.terminal` in the handle, instead of sending it to a console socket. */
  readonly terminal?: true | TerminalSize
}

/** What `restore` takes. */
export interface RestoreOptions
  extends Omit<RestoreLaunchOptions, 'stdio'>, Pick<CreateOptions, 'stdio' | 'killOnExit' | 'terminal'> {}

/** What a handle keeps of how its container was made. */
interface Held {
  readonly killOnExit: boolean | undefined
  readonly terminal: CreateOptions['terminal'] | undefined
  readonly stdio: OpenedStdio
  readonly options: LifeOptions
}

/**
 * Each call has a turn of the event loop for itself: many at once must not keep it from all else, which they would also
 * as immediates of one turn.
 */
let lastTurn = Promise.resolve()
const turn = (): Promise<void> => (lastTurn = lastTurn.then(() => new Promise((resolve) => void setImmediate(resolve))))

/** Makes, finds and removes containers below one root directory. */
export class Runtime extends CoreRuntime {
  /** @throws UsageError, UnsupportedError where the addon cannot be loaded */
  constructor(options: RuntimeOptions = {}) {
    super(check.checkNow('Runtime', check.runtimeShape(), options), eventWaiter)
  }

  /**
   * Makes a container that waits for `start`.
   * @throws ConfigError, UsageError, ExistsError, StoreError, SyscallError, HookError, ProtocolError,
   * UnsupportedError, the reason of `signal`
   */
  override async create(id: string, options: CreateOptions): Promise<Container> {
    const containerId = parseContainerId(id)
    const given = await check.checkOptions('create', check.createShape(), options)
    await turn()
    given.signal?.throwIfAborted()
    const { stdio: target, terminal, killOnExit, ...rest } = given
    const stdio = new OpenedStdio(target ?? 'inherit')
    try {
      const mode = { foreground: terminal !== undefined, startSocket: true }
      const created = await createContainer(this.context, containerId, { ...rest, stdio: stdio.fds }, mode)
      closeFile(created.sync)
      return await this.#hold(containerId, created, { stdio, terminal, killOnExit, options: given })
    } catch (error) {
      stdio.abandon()
      throw error
    }
  }

  /**
   * Creates and starts a container. In the foreground (blocks the calling thread) signals are forwarded
   * and the container is removed at its end.
   * @returns the exit status for a shell: the program's, or 128 + signal; 0 when detached
   * @throws what `create` and `start` throw
   */
  override async run(id: string, options: RunOptions): Promise<number> {
    return super.run(id, await check.checkOptions('run', check.foregroundShape(), options))
  }

  /**
   * Makes a container from the files of a checkpoint, which goes on where the other one was.
   * @throws ConfigError, UsageError, ExistsError, UnsupportedError, CriuError, HookError, SyscallError
   */
  override async restore(id: string, options: RestoreOptions): Promise<Container> {
    const containerId = parseContainerId(id)
    const given = await check.checkOptions('restore', check.restoreShape(), options)
    await turn()
    const { stdio: target, terminal, killOnExit, ...rest } = given
    const { restoreContainer } = await import('../launch/restore.js')
    const stdio = new OpenedStdio(target ?? 'inherit')
    try {
      const mode = { foreground: terminal !== undefined }
      const restored = await restoreContainer(this.context, containerId, { ...rest, stdio: stdio.fds }, mode)
      return await this.#hold(containerId, restored, { stdio, terminal, killOnExit, options: {} })
    } catch (error) {
      stdio.abandon()
      throw error
    }
  }

  async #hold(id: ContainerId, made: Pick<Created, 'record' | 'pidfd' | 'ptmx'>, given: Held): Promise<Container> {
    const { stdio, killOnExit, terminal, options } = given
    stdio.started()
    const release = killOnExit === true ? await guard(made.pidfd) : undefined
    const child = new Child(made.record.pid, made.pidfd, { own: true })
    if (release !== undefined) void child.ended.then(release)
    const kept = made.ptmx < 0 ? null : new Terminal(made.ptmx)
    const size = sizeOf(terminal)
    if (size) kept?.resize(size)
    return new Container(this.context, id, child, { stdio, terminal: kept, options })
  }

  /** The container with this id. @throws NotFoundError, StoreError, UsageError */
  override async get(id: string): Promise<Container> {
    await super.get(id)
    return new Container(this.context, id as ContainerId)
  }

  /** Removes a container, also one that is only half made. @throws as Container.delete */
  override async delete(id: string, options: { readonly force?: boolean } = {}): Promise<void> {
    const containerId = parseContainerId(id)
    await super.delete(id, await check.checkOptions('delete', check.deleteShape(), options))
    forgetExit(this.context.store.directory(containerId))
  }

  /** What `create` would do for root, in order; whoever asks. @throws UsageError, ConfigError, UnsupportedError */
  override async plan(options: LaunchOptions & { readonly id?: string }): Promise<LaunchPlan> {
    return super.plan(await check.checkOptions('plan', check.planShape(), options))
  }

  /** What this build can do, whatever the host can (features.md of the runtime spec). */
  features(): Features {
    return features()
  }
}
