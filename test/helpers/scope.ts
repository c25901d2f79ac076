/** Test helper: everything one test makes, so that all of it can be taken down and looked for afterwards. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { makeBundle, type Bundle } from './bundle.js'
import type { Change } from './config.js'
import { Container, probing } from './container.js'
import { cgroupsWith, leftovers, mountsWith, processesWith } from './leaks.js'
import { awaitProcess, Peer } from './peer.js'
import type { Report } from './probe.js'
import { Runner, type Result, type RunOptions } from './runtime.js'

/** The belongings of one test: a directory, a state directory, containers, peers. */
export class Scope {
  /** A directory of its own; its name is in every id and path of the test, and in nobody else's. */
  readonly folder: string
  /** Its name. */
  readonly word: string
  /** The runtime's state directory. */
  readonly root: string
  readonly runner: Runner
  readonly #containers: Container[] = []
  readonly #undo: (() => void)[] = []
  #ids = 0
  #open = true

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'tsrun-test-'))
    this.word = basename(this.folder)
    this.root = join(this.folder, 'state')
    mkdirSync(this.root, { mode: 0o700 })
    mkdirSync(join(this.folder, 'output'))
    this.runner = new Runner(join(this.folder, 'output'), this.root)
    process.once('exit', this.#onExit)
  }

  readonly #onExit = (): void => void this.close()

  /** A container id that nobody has used. */
  newId(): string {
    return `${this.word}-${++this.#ids}`
  }

  /** Path of a file in the test's directory. */
  path(name: string): string {
    return join(this.folder, name)
  }

  /** Makes a bundle; `change` edits the template of its config. */
  bundle(change?: Change): Bundle {
    return makeBundle(join(this.folder, `bundle-${++this.#ids}`), change)
  }

  /** A bundle with an id, not yet created. */
  container(change?: Change): Container {
    const container = new Container(this.runner, this.newId(), this.bundle(change))
    this.#containers.push(container)
    return container
  }

  /** Runs the runtime to its end. */
  runtime(args: readonly string[], options?: RunOptions): Result {
    return this.runner.run(args, options)
  }

  /** Runs the probe in a container in the foreground and returns what it saw. @throws when that fails */
  probe(change?: Change, ...tries: readonly string[]): Report {
    return this.container(probing(tries, change)).runProbe()
  }

  /** Mounts a tmpfs on the host, at a path in the test's directory; gone at the end of the test. */
  mountTmpfs(name: string, ...options: string[]): string {
    const path = this.path(name)
    mkdirSync(path, { recursive: true })
    const { status, stderr } = this.runner.runProgram('mount', [
      ...['-t', 'tmpfs', ...(options.length > 0 ? ['-o', options.join(',')] : []), 'tmpfs', path],
    ])
    if (status !== 0) throw new Error(`mount: ${stderr}`)
    this.defer(() => void this.runner.runProgram('umount', ['-l', path]))
    return path
  }

  /** Starts a peer and waits until it listens. */
  async peer(...args: readonly string[]): Promise<Peer> {
    const peer = await Peer.listen(...args)
    this.defer(() => peer.stop())
    return peer
  }

  /** Something to undo at the end, also when the test fails. */
  defer(undo: () => void): void {
    this.#undo.push(undo)
  }

  /** What this test has made and that is still there: processes, mounts, cgroups, state. */
  leftovers(): string[] {
    return leftovers(this.word, this.root)
  }

  /** What a runtime has left behind is reported, but must not stay. */
  #sweep(): void {
    for (const { pid } of processesWith(this.word)) {
      killIfThere(pid)
      awaitProcess(pid)
    }
    for (const path of cgroupsWith(this.word)) {
      this.runner.runProgram('find', [path, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', ';'])
    }
    for (const line of mountsWith(this.word)) this.runner.runProgram('umount', ['-l', line.split(' ')[4] ?? ''])
  }

  /** Takes everything down; returns what could not be. */
  close(): string[] {
    if (!this.#open) return []
    this.#open = false
    process.removeListener('exit', this.#onExit)
    for (const container of this.#containers) container.remove()
    for (const undo of this.#undo.reverse()) undo()
    const left = this.leftovers()
    this.#sweep()
    // Never through a mount that was left behind.
    if (mountsWith(this.word).length === 0) rmSync(this.folder, { recursive: true, force: true })
    return left
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
