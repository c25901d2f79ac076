/** Test helper: runs the runtime under test. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runtimeCommand } from './requires.js'

/** How a command ended. */
export interface Result {
  /** Exit status; null when it was killed. */
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** Milliseconds from start to end. */
  readonly ms: number
}

/** What a command is given besides its arguments. */
export interface RunOptions {
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Descriptors that become 3, 4, … of the runtime. */
  readonly descriptors?: readonly number[]
  /** Global options, before the command. */
  readonly globals?: readonly string[]
}

/** A runtime must also work with next to no environment, so that is what it gets. */
const environment = { PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin' }

/** No test waits for time to pass; this only turns a hang into a failure. */
const hangs = 60_000

let count = 0

/** Runs programs with their output in files: unlike a pipe, a file is not waited for when a container keeps it open. */
export class Runner {
  readonly #folder: string
  readonly #root: string

  /** `folder` takes the output files, `root` is the runtime's state directory. */
  constructor(folder: string, root: string) {
    this.#folder = folder
    this.#root = root
  }

  /** Runs the runtime to its end. What a container writes later is in the output files, see `lastOutput`. */
  run(args: readonly string[], options: RunOptions = {}): Result {
    const [program, ...rest] = this.commandLine(args, options)
    return this.runProgram(program, rest, options)
  }

  /** Runs a shell script whose "$@" is the command line of the runtime. */
  runInShell(script: string, args: readonly string[], options: RunOptions = {}): Result {
    return this.runProgram('/bin/sh', ['-c', script, 'sh', ...this.commandLine(args, options)], options)
  }

  /** Runs any program to its end. */
  runProgram(program: string, args: readonly string[], options: RunOptions = {}): Result {
    const name = join(this.#folder, `${++count}`)
    const stdin = this.#input(name, options.input)
    const stdout = openSync(`${name}.stdout`, 'w')
    const stderr = openSync(`${name}.stderr`, 'w')
    const began = performance.now()
    try {
      const ended = spawnSync(program, args, {
        stdio: [stdin, stdout, stderr, ...(options.descriptors ?? [])],
        env: options.env ?? environment,
        timeout: hangs,
        killSignal: 'SIGKILL',
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      })
      if (ended.error) throw ended.error
      const ms = performance.now() - began
      return { status: ended.status, signal: ended.signal, ms, ...this.#output(name) }
    } finally {
      for (const fd of [stdin, stdout, stderr]) if (typeof fd === 'number') closeSync(fd)
      this.lastOutput = () => this.#output(name)
    }
  }

  /** Output files of the last command as they are now. */
  lastOutput: () => { stdout: string; stderr: string } = () => ({ stdout: '', stderr: '' })

  /** Starts the runtime with pipes, for tests that must talk to it while it runs. */
  spawn(args: readonly string[], options: RunOptions = {}): ChildProcess {
    const [program, ...rest] = this.commandLine(args, options)
    return spawn(program, rest, {
      stdio: ['pipe', 'pipe', 'pipe', ...(options.descriptors ?? [])],
      env: options.env ?? environment,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    })
  }

  /** True when there is a state directory for an id. */
  hasState(id: string): boolean {
    return existsSync(join(this.#root, id))
  }

  /** The runtime's command line, with its state directory. */
  commandLine(args: readonly string[], options: RunOptions = {}): [string, ...string[]] {
    const [program, ...before] = runtimeCommand()
    return [program, ...before, '--root', this.#root, ...(options.globals ?? []), ...args]
  }

  #input(name: string, text: string | undefined): number | 'ignore' {
    if (text === undefined) return 'ignore'
    writeFileSync(`${name}.stdin`, text)
    return openSync(`${name}.stdin`, 'r')
  }

  #output(name: string): { stdout: string; stderr: string } {
    return { stdout: readFileSync(`${name}.stdout`, 'utf8'), stderr: readFileSync(`${name}.stderr`, 'utf8') }
  }
}

/** Lines of a stream, each awaited. */
export class Lines {
  readonly #lines: string[] = []
  readonly #waiting: ((line: string | undefined) => void)[] = []
  #rest = ''
  #ended = false

  constructor(stream: NodeJS.ReadableStream | null) {
    if (stream === null) throw new Error('the process has no such pipe')
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n')
      this.#rest = lines.pop() ?? ''
      for (const line of lines) this.#push(line)
    })
    stream.on('end', () => {
      this.#ended = true
      for (const wake of this.#waiting.splice(0)) wake(undefined)
    })
  }

  /** The next line; undefined at the end of the stream. */
  next(): Promise<string | undefined> {
    if (this.#lines.length > 0 || this.#ended) return Promise.resolve(this.#lines.shift())
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #push(line: string): void {
    const wake = this.#waiting.shift()
    if (wake) wake(line)
    else this.#lines.push(line)
  }
}

/** Resolves with exit status and signal of a process that `spawn` has started. */
export function ended(child: ChildProcess): Promise<{ status: number | null; signal: NodeJS.Signals | null }> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return Promise.resolve({ status: child.exitCode, signal: child.signalCode })
  }
  return new Promise((resolve) => child.on('exit', (status, signal) => resolve({ status, signal })))
}
