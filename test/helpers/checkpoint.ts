/** Test helper: containers that CRIU writes to files and makes again. */
import { spawn } from 'node:child_process'
import type { Change } from './config.js'
import type { Container, Fifo } from './container.js'
import { criuPath } from './requires.js'
import { ended, type Result, type RunOptions } from './runtime.js'
import type { Scope } from './scope.js'

/** The environment of commands that are to find CRIU. */
export const withCriu = (): RunOptions => ({ env: { PATH: criuPath() ?? '' } })

/** A container whose program answers each question by how many it has had: who goes on after a restore counts on. */
export class Counter {
  readonly container: Container
  readonly images: string
  readonly #scope: Scope
  readonly question: Fifo
  readonly answer: Fifo
  /** Resolves when what `startInForeground` has started has ended. */
  ended: Promise<unknown> = Promise.resolve()
  #ids = 0
  #failed = false

  /** `change` edits the config. */
  constructor(scope: Scope, change?: Change) {
    this.#scope = scope
    this.container = scope.container((config) => {
      config.process.args = ['/bin/sh', '-c', 'i=0; while read line </question; do i=$((i+1)); echo $i >/answer; done']
      change?.(config)
    })
    this.images = scope.path(`images-${this.container.id}`)
    this.question = this.container.fifo('question')
    this.answer = this.container.fifo('answer')
  }

  /** Starts it, with streams that CRIU can make again: files of the host, as those of other tests, it cannot. */
  start(): this {
    const args = ['run', '--detach', '--bundle', this.container.bundle.path, this.container.id]
    const { status } = this.#scope.runner.runInShell('exec "$@" </dev/null >/dev/null 2>&1', args)
    if (status !== 0) throw new Error(`run ended with status ${status}`)
    return this
  }

  /** The same as a child of this process, so that it leaves no zombie: not every init reaps them soon. */
  startInForeground(): this {
    const args = ['run', '--bundle', this.container.bundle.path, this.container.id]
    const [program, ...rest] = this.#scope.runner.commandLine(args)
    this.ended = ended(spawn(program, rest, { stdio: 'ignore' }))
    return this
  }

  /** Asks once more; returns the count. @throws at once where nobody would answer */
  ask(): number {
    if (this.#failed) throw new Error('nobody is there to ask')
    this.question.write('\n')
    return Number(this.answer.read())
  }

  /** `checkpoint`, with further options of the command. */
  checkpoint(args: readonly string[] = [], id = this.container.id): Result {
    return this.#scope.runtime(['checkpoint', '--image-path', this.images, ...args, id], withCriu())
  }

  /** An id that nobody has used; its container is gone at the end of the test. */
  newId(): string {
    const id = `${this.container.id}-${++this.#ids}`
    this.#scope.defer(() => void this.#scope.runtime(['delete', '--force', id]))
    return id
  }

  /** `restore`, with further options of the command. */
  restore(id: string, args: readonly string[] = []): Result {
    const { path } = this.container.bundle
    const result = this.#scope.runtime(
      ['restore', '--image-path', this.images, '--bundle', path, ...args, id],
      withCriu(),
    )
    this.#failed = result.status !== 0
    return result
  }
}
