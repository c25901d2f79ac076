/** Test helper: one container of a test, through the commands of the runtime. */
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { writeConfig, type Bundle } from './bundle.js'
import type { Change } from './config.js'
import { awaitProcess } from './peer.js'
import { parseReport, type Report } from './probe.js'
import type { Result, RunOptions, Runner } from './runtime.js'

/** The state document. */
export interface State {
  readonly ociVersion: string
  readonly id: string
  readonly pid: number
  readonly status: string
  readonly bundle: string
  readonly rootfs: string
  readonly created: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly owner: string
}

/** A fifo, opened anew for each use; both methods block until there is somebody at the other side. */
export interface Fifo {
  readonly path: string
  read(): string
  write(text: string): void
}

/** Makes the probe the program of a container, with what it is to try. */
export const probing =
  (tries: readonly string[], change?: Change): Change =>
  (config) => {
    config.process.args = ['/probe', ...tries]
    change?.(config)
  }

/** A bundle with an id. Every method is a command; none of them throws when the command fails. */
export class Container {
  readonly id: string
  readonly bundle: Bundle
  readonly #runner: Runner
  readonly #spawned: ChildProcess[] = []
  #output: () => { stdout: string; stderr: string } = () => ({ stdout: '', stderr: '' })

  constructor(runner: Runner, id: string, bundle: Bundle) {
    this.#runner = runner
    this.id = id
    this.bundle = bundle
  }

  /** Writes config.json again, after a change of `bundle.config`. */
  rewrite(): void {
    writeConfig(this.bundle)
  }

  /** `create`, with further options of the command. */
  create(args: readonly string[] = [], options?: RunOptions): Result {
    return this.#launch('create', args, options)
  }

  /** `run`; in the foreground unless the options say otherwise. */
  run(args: readonly string[] = [], options?: RunOptions): Result {
    return this.#launch('run', args, options)
  }

  /** `run` or `create` as a process that goes on, with pipes for its standard streams. */
  spawn(command: 'run' | 'create', args: readonly string[] = [], options?: RunOptions): ChildProcess {
    const child = this.#runner.spawn([command, '--bundle', this.bundle.path, ...args, this.id], options)
    this.#spawned.push(child)
    return child
  }

  /** `start` */
  start(): Result {
    return this.#runner.run(['start', this.id])
  }

  /** `kill` */
  kill(signal: string, args: readonly string[] = []): Result {
    return this.#runner.run(['kill', ...args, this.id, signal])
  }

  /** `delete` */
  delete(args: readonly string[] = []): Result {
    return this.#runner.run(['delete', ...args, this.id])
  }

  /** The state document. @throws when the command fails */
  state(): State {
    const { status, stdout, stderr } = this.#runner.run(['state', this.id])
    if (status !== 0) throw new Error(`state of ${this.id}: ${stderr}`)
    return JSON.parse(stdout) as State
  }

  /** What the container has written to the standard streams of `create` or `run` until now. */
  get output(): { stdout: string; stderr: string } {
    return this.#output()
  }

  /** Waits until the init process has ended. */
  awaitEnd(): void {
    const { pid } = this.state()
    if (pid > 0) awaitProcess(pid)
  }

  /** `create` and `start`, then waits for the end: what a container does that must not be in the foreground. */
  complete(args: readonly string[] = [], options?: RunOptions): Result {
    const created = this.create(args, options)
    if (created.status !== 0) return created
    const started = this.start()
    if (started.status !== 0) return started
    this.awaitEnd()
    return { ...started, ...this.output }
  }

  /** Makes a fifo at a path of the container: who reads or writes it waits for the other side. */
  fifo(name: string): Fifo {
    const path = join(this.bundle.rootfs, name)
    this.#runner.runProgram('mkfifo', [path])
    // Not with Node.js's own functions: those could hang without end.
    return {
      path,
      read: () => this.#through('cat', [path]),
      write: (text) => void this.#through('tee', [path], text),
    }
  }

  #through(program: string, args: string[], input?: string): string {
    const { status, stdout } = this.#runner.runProgram(program, args, input === undefined ? {} : { input })
    if (status !== 0) throw new Error(`nobody is at the other side of ${args.join()}`)
    return stdout
  }

  /** What the probe has reported to the standard output of `create`. */
  report(): Report {
    return parseReport(this.output.stdout)
  }

  /** `run` in the foreground, of a container whose program is the probe. @throws when that fails */
  runProbe(): Report {
    const { status, stdout, stderr } = this.run()
    if (status !== 0 || stderr !== '') throw new Error(`the probe's container ended with status ${status}: ${stderr}`)
    return parseReport(stdout)
  }

  /** Removes it, whatever state it is in, and waits for what was spawned for it. */
  remove(): void {
    if (this.#runner.hasState(this.id)) this.#runner.run(['delete', '--force', this.id])
    for (const { pid, exitCode, signalCode } of this.#spawned) {
      if (pid !== undefined && exitCode === null && signalCode === null) awaitProcess(pid)
    }
  }

  #launch(command: 'run' | 'create', args: readonly string[], options?: RunOptions): Result {
    const result = this.#runner.run([command, '--bundle', this.bundle.path, ...args, this.id], options)
    this.#output = this.#runner.lastOutput
    return result
  }
}
