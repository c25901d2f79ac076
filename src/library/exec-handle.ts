/** Library: a process that `exec` has added to a container. */
import type { Readable, Writable } from 'node:stream'
import { sigkill } from '../config/vocabulary/signals.js'
import { Child, type ProcessExit } from './children.js'
import { Life, type LifeOptions } from './life.js'
import { checkOptions, outputShape, signalNumber, waitShape, type Signal } from './options.js'
import { collect, type OutputOptions } from './output.js'
import type { OpenedStdio } from './stdio.js'
import type { Terminal } from './streams.js'

/** How a process of `exec` ended. */
export interface ExecExit extends ProcessExit {
  /** True when it was killed since its `timeout` was over. */
  readonly timedOut: boolean
}

/** What a process has written, and how it ended. */
export interface ExecOutput {
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
  /** True when there was more than `maxBuffer`. */
  readonly cut: { readonly stdout: boolean; readonly stderr: boolean }
  readonly exit: ExecExit
}

/** A running process. Nothing of it stays when it has ended, whether it is waited for or not. */
export class ExecHandle {
  /** In the pid namespace of the caller. */
  readonly pid: number
  /** Its standard streams, where `stdio` says `pipe`. */
  readonly stdin: Writable | null
  readonly stdout: Readable | null
  readonly stderr: Readable | null
  /** Its terminal, unless that has gone to a console socket. */
  readonly terminal: Terminal | null
  readonly #child: Child
  readonly #life: Life
  readonly #exit: Promise<ExecExit>

  /** Made by Container.exec. */
  constructor(child: Child, stdio: OpenedStdio, terminal: Terminal | null, options: LifeOptions) {
    this.pid = child.pid
    this.#child = child
    this.stdin = stdio.stdin
    this.stdout = stdio.stdout
    this.stderr = stdio.stderr
    this.terminal = terminal
    this.#life = new Life(options, (signal) => void child.kill(signal))
    this.#exit = child.ended.then((exit) => {
      this.#life.over()
      return { ...exit, timedOut: this.#life.timedOut }
    })
    this.#life.begin()
  }

  /** Sends a signal; false when the process has ended. @throws UsageError, SyscallError */
  kill(signal: Signal): boolean {
    return this.#child.kill(signalNumber(signal))
  }

  /** Resolves when the process has ended. @throws UsageError, the reason of `signal` */
  async wait(options: { readonly signal?: AbortSignal } = {}): Promise<ExecExit> {
    const { signal } = await checkOptions('wait', waitShape(), options)
    await this.#child.wait(signal)
    return this.#exit
  }

  /**
   * Reads what the process writes to its pipes, until it has ended and they are closed.
   * @throws UsageError, the reason of `signal`
   */
  async output(options: OutputOptions & { readonly signal?: AbortSignal } = {}): Promise<ExecOutput> {
    const { signal, ...rest } = await checkOptions('output', outputShape(), options)
    const [stdout, stderr, exit] = await Promise.all([
      collect(this.stdout, rest),
      collect(this.stderr, rest),
      this.wait(signal === undefined ? {} : { signal }),
    ])
    return { stdout: stdout.bytes, stderr: stderr.bytes, cut: { stdout: stdout.cut, stderr: stderr.cut }, exit }
  }

  /** Kills it, waits for its end and closes its streams. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill(sigkill)
    await this.#child.wait()
    for (const stream of [this.stdin, this.stdout, this.stderr, this.terminal]) stream?.destroy()
  }
}
