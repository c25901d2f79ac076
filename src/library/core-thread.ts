/** Library: asks the thread that does the work of the Runtimes of this thread (core.ts), and hears from it. */
import { SHARE_ENV, Worker } from 'node:worker_threads'
import type { CoreContainer } from '../container.js'
import { ProtocolError, UsageError } from '../errors.js'
import { packageFolder } from '../native/binding.js'
import { copyDescriptor } from '../native/event-loop.js'
import type { CoreRuntime } from '../runtime.js'
import type { ContainerId } from '../state/store.js'
import { childOf } from './children.js'
import { unpackError, type FromCore, type Settings, type ToCore } from './core-messages.js'
import type { ContainerMethod, RuntimeMethod, Verbs } from './core.js'
import type { Supervisor } from './supervisor.js'

/** Verbs with types of their own. */
type OwnVerb = Exclude<keyof Verbs, 'runtime' | 'container'>
type Given<V extends keyof Verbs> = Parameters<Verbs[V]> extends [unknown, ...infer Rest] ? Rest : never
type Answer<V extends keyof Verbs> = Awaited<ReturnType<Verbs[V]>>
type Method = (...args: never[]) => Promise<unknown>
type ArgsOf<M> = M extends (...args: infer Args) => Promise<unknown> ? Args : never
type ResultOf<M> = M extends Method ? Awaited<ReturnType<M>> : never

interface Pending {
  readonly answered: (value: unknown) => void
  readonly failed: (error: unknown) => void
  readonly onWarning: (message: string) => void
  readonly supervisor: Supervisor | undefined
}

let core: Worker | undefined
const pending = new Map<number, Pending>()
let last = 0

/** Set in the bundles of the npm package. */
declare const TSRUN_PACKAGED: boolean | undefined

/** A bundler makes one file of all, but leaves the package where it is. */
function program(): URL {
  const place = typeof TSRUN_PACKAGED === 'undefined' ? 'dist/library/core.js' : 'dist/package/library/core.js'
  return new URL(`file://${encodeURI(`${packageFolder()}/${place}`).replace(/[?#]/g, encodeURIComponent)}`)
}

function start(): Worker {
  // Loaders of the program are not for it.
  const thread = new Worker(program(), { name: 'tsrun', env: SHARE_ENV, execArgv: [] })
  thread.on('message', (message: FromCore) => hear(thread, message))
  const ended = (error: unknown): void => {
    if (core === thread) core = undefined
    const calls = [...pending.values()]
    pending.clear()
    for (const { failed } of calls) failed(error)
  }
  thread.on('error', ended)
  thread.on('exit', () => ended(new ProtocolError('the thread that does the work of tsrun has ended')))
  // It is no reason for the program to go on; what is asked of it is.
  thread.unref()
  return thread
}

const say = (thread: Worker, message: ToCore): void => thread.postMessage(message)

function hear(thread: Worker, message: FromCore): void {
  if (message.kind === 'warning') pending.get(message.number)?.onWarning(message.message)
  else if (message.kind === 'listener') {
    pending.get(message.number)?.supervisor?.adopt(copyDescriptor(message.fd))
    say(thread, { kind: 'heard', fd: message.fd })
  } else if (message.kind === 'reap') void collect(thread, message.pid, message.number)
  else settle(thread, message)
}

function settle(thread: Worker, message: Extract<FromCore, { kind: 'answer' | 'failure' }>): void {
  const { number } = message
  const call = pending.get(number)
  pending.delete(number)
  if (pending.size === 0) thread.unref()
  if (message.kind === 'failure') call?.failed(unpackError(message.error))
  else {
    call?.answered(message.value)
    if (message.keeps) say(thread, { kind: 'taken', number })
  }
}

/** What is known of its end only while its cgroup is there is looked up first. */
async function collect(thread: Worker, pid: number, number: number): Promise<void> {
  const child = childOf(pid)
  child?.collect()
  await child?.ended
  say(thread, { kind: 'reaped', number, known: child !== undefined })
}

/** A Runtime's way to the thread. */
export class Core {
  readonly settings: Settings
  readonly onWarning: (message: string) => void

  constructor(settings: Settings, onWarning: (message: string) => void) {
    this.settings = settings
    this.onWarning = onWarning
  }

  /**
   * Asks for something, and keeps the event loop alive until it is answered. `take` copies the descriptors of an answer,
   * which are closed when it returns; `supervisor` gets the listeners of its filters. @throws what the verb throws
   */
  ask<V extends OwnVerb>(verb: V, args: Given<V>): Promise<Answer<V>>
  ask<V extends OwnVerb, T>(verb: V, args: Given<V>, take: (value: Answer<V>) => T, supervisor?: Supervisor): Promise<T>
  ask<V extends OwnVerb>(
    verb: V,
    args: Given<V>,
    take?: (value: Answer<V>) => unknown,
    supervisor?: Supervisor,
  ): Promise<unknown> {
    return this.#call(verb, args, take as ((value: unknown) => unknown) | undefined, supervisor)
  }

  /** Calls a method of a container. @throws what the method throws */
  container<M extends ContainerMethod>(
    id: ContainerId,
    method: M,
    ...args: ArgsOf<CoreContainer[M]>
  ): Promise<ResultOf<CoreContainer[M]>> {
    return this.#call('container', [id, method, args]) as Promise<ResultOf<CoreContainer[M]>>
  }

  /** Calls a method of a runtime. @throws what the method throws */
  runtime<M extends RuntimeMethod>(method: M, ...args: ArgsOf<CoreRuntime[M]>): Promise<ResultOf<CoreRuntime[M]>> {
    return this.#call('runtime', [method, args]) as Promise<ResultOf<CoreRuntime[M]>>
  }

  #call(
    verb: keyof Verbs,
    args: readonly unknown[],
    take?: (value: unknown) => unknown,
    supervisor?: Supervisor,
  ): Promise<unknown> {
    const settings: Settings = { ...this.settings, supervised: supervisor !== undefined }
    return new Promise((resolve, failed) => {
      const thread = (core ??= start())
      const answered = (value: unknown): void => {
        try {
          resolve(take === undefined ? value : take(value))
        } catch (error) {
          failed(error instanceof Error ? error : new Error(String(error)))
        }
      }
      const number = ++last
      try {
        say(thread, { kind: 'call', number, verb, args: [settings, ...args] })
      } catch (cause) {
        throw new UsageError('options must be plain data', { cause })
      }
      pending.set(number, { answered, failed, supervisor, onWarning: this.onWarning })
      thread.ref()
    })
  }
}
