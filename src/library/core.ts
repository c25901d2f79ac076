/**
 * Library: the program of the thread that does the work of Runtimes. It waits on an event loop of its own, and what blocks
 * it, such as a cgroup that the kernel is busy with, blocks nobody else. A process that it starts belongs to the thread
 * that has asked for it.
 */
import { parentPort } from 'node:worker_threads'
import { keepTexts } from '../config/kept.js'
import { loadConfig } from '../config/load.js'
import { stringifyConfig } from '../config/stringify.js'
import { CoreContainer } from '../container.js'
import { keepFacts } from '../host/kept.js'
import { createContainer, type CreateMode } from '../launch/create.js'
import type { RuntimeContext } from '../launch/context.js'
import type { ContainerEvent, EventOptions } from '../launch/events.js'
import type { ExecOptions } from '../launch/exec-options.js'
import { openInit } from '../launch/kill.js'
import { findBundle, readConfigText, type CreateOptions } from '../launch/prepare.js'
import type { RestoreOptions } from '../launch/restore.js'
import { closeFile, reapProcess } from '../native/binding.js'
import { mountsChanged, setTerminalSize, whenEnded } from '../native/event-loop.js'
import type { Waiter } from '../native/wait.js'
import { CoreRuntime, makeContext } from '../runtime.js'
import type { StateRecord } from '../state/record.js'
import type { ContainerId } from '../state/store.js'
import { packError, type FromCore, type Settings, type ToCore } from './core-messages.js'
import { PressureWatch, type PressureEvent, type PressureThreshold } from './pressure.js'
import type { TerminalSize } from './streams.js'
import { supervisedConfig } from './supervised-config.js'
import { eventWaiter } from './waiter.js'

/** A process that was started; who has asked copies the descriptors. */
export interface Handed {
  readonly pid: number
  readonly pidfd: number
  /** -1: no terminal. */
  readonly ptmx: number
}

/** What a call is made with. */
interface Call {
  readonly settings: Settings
  readonly context: RuntimeContext
  /** Keeps descriptors open, and a child from being lost, until they are copied. */
  readonly hand: (handed: Handed, child?: boolean) => Handed
}

/** How a container is created; system calls by the names of `supervised` are decided by the program. */
type CreateRequest = Omit<CreateMode, 'startSocket'> & { readonly supervised: readonly string[] }

/** Methods of a container that take and give plain data. */
export type ContainerMethod = Exclude<keyof CoreContainer, 'id' | 'events' | 'execForeground'>

/** Methods of a runtime that do. */
export type RuntimeMethod = 'list' | 'delete' | 'plan'

/** Events that somebody reads. */
interface Source {
  readonly events: AsyncGenerator<ContainerEvent, void, void>
  readonly pressure: PressureWatch | undefined
  next?: Promise<IteratorResult<ContainerEvent, void>>
}

keepTexts()
keepFacts(mountsChanged)

const sources = new Map<number, Source>()
let lastSource = 0

/** What can be asked for. */
const verbs = {
  runtime({ settings, context }: Call, method: RuntimeMethod, args: readonly unknown[]): unknown {
    const runtime = new CoreRuntime({ ...settings, onWarning: context.onWarning }, waiter)
    return (runtime[method] as (...given: readonly unknown[]) => unknown).call(runtime, ...args)
  },

  container({ context }: Call, id: ContainerId, method: ContainerMethod, args: readonly unknown[]): unknown {
    const container = new CoreContainer(context, id)
    return (container[method] as (...given: readonly unknown[]) => unknown).call(container, ...args)
  },

  async create(
    { context, hand }: Call,
    id: ContainerId,
    options: CreateOptions,
    { supervised, ...mode }: CreateRequest,
  ): Promise<Handed & { readonly record: StateRecord }> {
    const given =
      supervised.length === 0 ? mode : { ...mode, configText: await supervisedText(options, mode, supervised) }
    const created = await createContainer(context, id, options, { ...given, startSocket: true })
    const { record, sync, pidfd, ptmx } = created
    closeFile(sync)
    return { record, ...hand({ pid: record.pid, pidfd, ptmx }) }
  },

  async restore(
    { context, hand }: Call,
    id: ContainerId,
    options: RestoreOptions,
    foreground: boolean,
  ): Promise<Handed & { readonly record: StateRecord }> {
    const { restoreContainer } = await import('../launch/restore.js')
    const { record, pidfd, ptmx } = await restoreContainer(context, id, options, { foreground })
    return { record, ...hand({ pid: record.pid, pidfd, ptmx }) }
  },

  async exec({ context, hand }: Call, id: ContainerId, options: ExecOptions, size?: TerminalSize): Promise<Handed> {
    const { execProcess } = await import('../launch/exec.js')
    const mode = {
      terminalStays: !options.consoleSocket,
      onTerminal: (fd: number) => size && setTerminalSize(fd, size.cols, size.rows),
    }
    return hand(await execProcess(context, id, options, mode))
  },

  /** The record of a container. */
  record: ({ context }: Call, id: ContainerId): StateRecord => context.store.load(id),

  /** The same, and a pidfd of its init; -1 when that has ended. */
  find({ context, hand }: Call, id: ContainerId): Handed & { readonly record: StateRecord } {
    const record = context.store.load(id)
    return { record, ...hand({ pid: record.pid, pidfd: openInit(record), ptmx: -1 }, false) }
  },

  openEvents({ context }: Call, id: ContainerId, options: EventOptions, threshold?: PressureThreshold): number {
    const pressure = threshold && new PressureWatch(context.store.load(id), threshold)
    sources.set(++lastSource, { events: new CoreContainer(context, id).events(options), pressure })
    return lastSource
  },

  async nextEvent(_: Call, number: number): Promise<ContainerEvent | PressureEvent | undefined> {
    const source = sources.get(number)
    if (source === undefined) return undefined
    const next = (source.next ??= source.events.next())
    const first = await Promise.race([next, ...(source.pressure ? [source.pressure.next()] : [])])
    if ('type' in first) return first
    delete source.next
    return first.value ?? undefined
  },

  async endEvents(_: Call, number: number): Promise<void> {
    const source = sources.get(number)
    sources.delete(number)
    source?.pressure?.close()
    await source?.events.return()
  },
}

/** What can be asked for, with what, and what comes of it. */
export type Verbs = typeof verbs

async function supervisedText(
  { bundle }: CreateOptions,
  { configText = readConfigText(findBundle(bundle)) }: Pick<CreateMode, 'configText'>,
  names: readonly string[],
): Promise<string> {
  return stringifyConfig(supervisedConfig(await loadConfig(configText), names))
}

const port = parentPort ?? new MessageChannel().port1
const say = (message: FromCore): void => port.postMessage(message)

/** Who waits to hear whether a child is somebody's. */
const asking = new Map<number, (known: boolean) => void>()
let lastAsked = 0

const waiter: Waiter = {
  ...eventWaiter,
  async reap(pid, pidfd) {
    const number = ++lastAsked
    const known = new Promise<boolean>((resolve) => asking.set(number, resolve))
    say({ kind: 'reap', number, pid })
    if (!(await known)) reapProcess(pidfd)
  },
}

/** What is kept until it is copied, by the numbers of calls. */
const kept = new Map<number, () => void>()

/** Listeners that are not copied yet. */
const listeners = new Set<number>()

type Work = (call: Call, ...args: readonly unknown[]) => unknown

async function answer({ number, verb, args: [given, ...args] }: Extract<ToCore, { kind: 'call' }>): Promise<void> {
  const settings = given as Settings
  const onWarning = (message: string): void => say({ kind: 'warning', number, message })
  const hand: Call['hand'] = (handed, child = true) => {
    const { pidfd, ptmx } = handed
    // Should this thread end now, the child is reaped (watcher.cc).
    const forget = pidfd < 0 ? undefined : whenEnded(pidfd, () => undefined, { child })
    kept.set(number, () => {
      forget?.()
      for (const fd of [pidfd, ptmx]) if (fd >= 0) closeFile(fd)
    })
    return handed
  }
  const onListener = (fd: number): void => {
    listeners.add(fd)
    say({ kind: 'listener', number, fd })
  }
  try {
    const work = (verbs as Readonly<Record<string, unknown>>)[verb] as Work
    const context = makeContext({ ...settings, onWarning }, waiter)
    const call = { settings, context: settings.supervised ? { ...context, onListener } : context, hand }
    const value = await work(call, ...args)
    say({ kind: 'answer', number, value, keeps: kept.has(number) })
  } catch (error) {
    say({ kind: 'failure', number, error: packError(error) })
  }
}

port.on('message', (message: ToCore) => {
  if (message.kind === 'call') void answer(message)
  else if (message.kind === 'reaped') {
    asking.get(message.number)?.(message.known)
    asking.delete(message.number)
  } else if (message.kind === 'heard') {
    if (listeners.delete(message.fd)) closeFile(message.fd)
  } else {
    kept.get(message.number)?.()
    kept.delete(message.number)
  }
})
