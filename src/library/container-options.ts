/** Library: what the methods of a container take, and how it ends. */
import type { Process } from '../config/types.js'
import type { EventOptions as LaunchEvents } from '../launch/events.js'
import type { ExecSettings } from '../launch/exec-options.js'
import type { ProcessChanges } from '../plan/exec-process.js'
import type { Usage } from '../stats/usage.js'
import type { ProcessExit } from './children.js'
import type { LifeOptions } from './life.js'
import type { PressureThreshold } from './pressure.js'
import type { Stdio } from './stdio.js'
import type { TerminalSize } from './streams.js'

/** How a container ended; both `code` and `signal` are null when another process, or another thread, has made it. */
export interface ContainerExit extends ProcessExit {
  /** True when the OOM killer has killed a process of it. */
  readonly oom: boolean
  /** True when it was killed since its `timeout` was over. */
  readonly timedOut: boolean
  readonly usage: Usage
}

/** What `delete` takes. */
export interface DeleteOptions {
  /** Kills what runs; without it a container that runs is not deleted. */
  readonly force?: boolean
  /** Ends the wait; what has been asked for is done all the same. */
  readonly signal?: AbortSignal
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

/** Settings of `Container.events` that also tells when the container is short of memory. */
export interface PressureOptions extends EventOptions {
  /** How short. */
  readonly memoryPressure: PressureThreshold
}
