/** Test support: a daemon of an engine with what it writes to its log. */
import type { ChildProcess } from 'node:child_process'
import { ended, Lines } from '../../helpers/runtime.js'

/** Milliseconds. No test waits for time to pass; this only turns a hang into a failure. */
export const hangs = 180_000

/** The process and the end of its log. */
export class Daemon {
  readonly #program: string
  readonly #child: ChildProcess
  readonly #lines: string[] = []
  readonly #waiting: { pattern: RegExp; resolve: () => void; reject: (error: Error) => void }[] = []

  constructor(program: string, child: ChildProcess) {
    this.#program = program
    this.#child = child
    child.stdin?.end()
    for (const stream of [child.stdout, child.stderr]) void this.#follow(new Lines(stream))
    child.on('exit', () => this.#fail('has ended'))
  }

  /** Sends a signal. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Waits for a line of its log, also one that is already there. */
  async said(pattern: RegExp): Promise<void> {
    if (this.#lines.some((line) => pattern.test(line))) return
    const timer = setTimeout(() => this.#fail('is not ready'), hangs)
    await new Promise<void>((resolve, reject) => this.#waiting.push({ pattern, resolve, reject }))
    clearTimeout(timer)
  }

  /** Forgets its log until now, so that `said` waits for a new line. */
  forget(): void {
    this.#lines.length = 0
  }

  /** The end of its log. */
  get log(): string {
    return this.#lines.slice(-20).join('\n')
  }

  /** Waits for its end. */
  async ended(): Promise<void> {
    await ended(this.#child)
  }

  /** Ends it and waits. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), hangs)
    await this.ended()
    clearTimeout(timer)
  }

  async #follow(lines: Lines): Promise<void> {
    for (let line = await lines.next(); line !== undefined; line = await lines.next()) {
      const text = line
      this.#lines.push(text)
      for (const waiting of this.#waiting.filter(({ pattern }) => pattern.test(text))) waiting.resolve()
    }
  }

  #fail(what: string): void {
    for (const { reject } of this.#waiting.splice(0)) reject(new Error(`${this.#program} ${what}:\n${this.log}`))
  }
}
