/** Test helper: a stand-in for the kernel's resctrl file system (tools/resctrl.c), and runtimes that take it for the real one. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { awaitProcess } from './peer.js'
import { Lines, type Result } from './runtime.js'
import type { Scope } from './scope.js'
import { tool } from './tools.js'

/**
 * The kernel's own list of mounts, but for the type of this one: in a mount namespace of its own it covers the list
 * of the process that becomes the runtime.
 */
const withMountList = `
  sed 's/ - fuse\\.resctrl / - resctrl /' /proc/self/mountinfo > "$LIST"
  mount --bind "$LIST" /proc/$$/mountinfo
  exec "$@"`

/** A mounted stand-in. */
export class Resctrl {
  /** Where it is seen from outside of its mount namespace. */
  readonly path: string
  readonly #scope: Scope
  readonly #pid: number

  private constructor(scope: Scope, path: string, pid: number) {
    this.#scope = scope
    this.#pid = pid
    this.path = join(`/proc/${pid}/root`, path)
  }

  /** Mounts one in the scope's directory; it is gone at the end of the test. */
  static async mount(scope: Scope): Promise<Resctrl> {
    const path = scope.path('resctrl')
    mkdirSync(path)
    const server = spawn(tool('resctrl'), [path], { stdio: ['ignore', 'pipe', 'inherit'] })
    const { pid } = server
    scope.defer(() => {
      server.kill('SIGKILL')
      if (pid !== undefined) awaitProcess(pid)
    })
    if ((await new Lines(server.stdout).next()) !== 'ready') throw new Error('resctrl cannot be mounted')
    return new Resctrl(scope, path, pid ?? 0)
  }

  /** Runs a command of the runtime. */
  runtime(...args: readonly string[]): Result {
    const [program, ...rest] = this.#scope.runner.commandLine(args)
    const shell = ['--mount', '--propagation', 'private', '/bin/sh', '-ec', withMountList, 'sh', program, ...rest]
    const env = { PATH: process.env.PATH ?? '', LIST: this.#scope.path('mountinfo') }
    return this.#scope.runner.runProgram('nsenter', [`--mount=/proc/${this.#pid}/ns/mnt`, 'unshare', ...shell], { env })
  }

  /** Makes a group, as an administrator would. */
  group(name: string): void {
    mkdirSync(join(this.path, name))
  }

  has(name: string): boolean {
    return existsSync(join(this.path, name))
  }

  /** The lines of a file, without blanks around them. */
  lines(name: string): string[] {
    const text = readFileSync(join(this.path, name), 'utf8')
    return text
      .split('\n')
      .map((line) => line.trim().replace(/= +/g, '='))
      .filter(Boolean)
  }

  /** Process ids in a group. */
  tasks(group: string): number[] {
    return this.lines(join(group, 'tasks')).map(Number)
  }
}
