/** Test helper: an ordinary user who runs the runtime. */
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setNamespace, type Change, type TestConfig } from './config.js'
import { Container, probing } from './container.js'
import type { Report } from './probe.js'
import { runtimeCommand } from './requires.js'
import { Runner, type Result, type RunOptions } from './runtime.js'
import type { Scope } from './scope.js'

/** An id that no distribution gives to anybody. */
export const userId = 54321

/** Who the user is. */
export interface UserOptions {
  /** Lines `FIRST:COUNT` that /etc/subuid and /etc/subgid have for the user. */
  readonly subuid?: readonly string[]
  readonly subgid?: readonly string[]
  /** Shell commands that root runs before, in the user's own mount namespace; `$$` is in its cgroups. */
  readonly prepare?: readonly string[]
  /** A command line that runs the runtime for the user, for example `unshare -r`. */
  readonly through?: readonly string[]
}

/** Runs the runtime by way of a shell script. */
class UserRunner extends Runner {
  readonly #script: string
  constructor(folder: string, root: string, script: string) {
    super(folder, root)
    this.#script = script
  }

  override commandLine(args: readonly string[], options: RunOptions = {}): [string, ...string[]] {
    const [, ...rest] = super.commandLine(args, options)
    return ['/bin/sh', this.#script, ...rest]
  }
}

/**
 * A user with uid and gid 54321 and no other group. It has an entry in /etc/passwd, and subordinate ids as
 * the options say, in a mount namespace of its own: the host's files stay as they are.
 */
export class User {
  readonly id = userId
  readonly name = 'tsrun-test-user'
  readonly runner: Runner
  /** Of `runner`: a program that runs its arguments as the user. */
  readonly script: string
  readonly #scope: Scope

  constructor(scope: Scope, options: UserOptions = {}) {
    this.#scope = scope
    chmodSync(scope.folder, 0o755)
    chownSync(scope.root, userId, userId)
    this.script = scope.path('as-user')
    writeFileSync(this.script, this.#wrapper(options), { mode: 0o755 })
    this.runner = new UserRunner(scope.path('output'), scope.root, this.#withRuntime(scope))
  }

  /** A second script that names the runtime, which must be where the user can reach it. */
  #withRuntime(scope: Scope): string {
    const [program, ...args] = runtimeCommand()
    const path = scope.path('runtime-as-user')
    const command = [reachable(scope, program), ...args].map(quote).join(' ')
    writeFileSync(path, `exec /bin/sh ${quote(this.script)} ${command} "$@"\n`)
    return path
  }

  #wrapper({ subuid = [], subgid = [], prepare = [], through = [] }: UserOptions): string {
    const become = `setpriv --reuid ${userId} --regid ${userId} --clear-groups --inh-caps=-all ${through.map(quote).join(' ')}`
    const passwd = `${this.name}:x:${userId}:${userId}::/:/bin/sh`
    const lines = (ranges: readonly string[]): string[] => ranges.map((range) => `${this.name}:${range}`)
    const files = { passwd: [passwd], subuid: lines(subuid), subgid: lines(subgid) }
    const binds = Object.entries(files).map(([name, content]) => {
      const own = this.#scope.path(`etc-${name}`)
      writeFileSync(own, `${content.join('\n')}\n`)
      return `[ ! -e /etc/${name} ] || mount --bind ${quote(own)} /etc/${name}`
    })
    // A procfs of its own: the host's may hide the processes of others (hidepid).
    const inside = ['set -e', 'mount -t proc proc /proc', ...binds, ...prepare, `exec ${become} "$@"`].join('\n')
    return `exec unshare --mount --propagation private /bin/sh -c ${quote(inside)} sh "$@"\n`
  }

  /** A container of the user, not yet created: its own id is root inside. */
  container(change?: Change): Container {
    const bundle = this.#scope.bundle((config) => {
      this.#makeRootless(config)
      change?.(config)
    })
    own(bundle.rootfs)
    const container = new Container(this.runner, this.#scope.newId(), bundle)
    this.#scope.defer(() => container.remove())
    return container
  }

  /** As Scope.probe, in a container of the user. */
  probe(change?: Change, ...tries: readonly string[]): Report {
    return this.container(probing(tries, change)).runProbe()
  }

  /** Runs the runtime to its end. */
  runtime(args: readonly string[], options?: RunOptions): Result {
    return this.runner.run(args, options)
  }

  /** Runs any program as the user. */
  program(args: readonly string[], options?: RunOptions): Result {
    return this.runner.runProgram('/bin/sh', [this.script, ...args], options)
  }

  #makeRootless(config: TestConfig): void {
    setNamespace(config, 'user')
    config.linux.uidMappings = [{ containerID: 0, hostID: userId, size: 1 }]
    config.linux.gidMappings = [{ containerID: 0, hostID: userId, size: 1 }]
    // A sysfs may only be mounted by who owns the network namespace.
    config.mounts = config.mounts.filter(({ type }) => type !== 'sysfs')
  }
}

/** Only directories: the programs in them are shared with other tests. */
function own(directory: string): void {
  chownSync(directory, userId, userId)
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) own(join(directory, entry.name))
  }
}

/** The path itself, or where others may not enter its directories, a copy among the test's belongings. */
function reachable(scope: Scope, program: string): string {
  const user = ['--reuid', String(userId), '--regid', String(userId), '--clear-groups']
  // By way of a shell: setpriv keeps its capabilities until it executes something, and would reach everything.
  const { status } = spawnSync('setpriv', [...user, '/bin/sh', '-c', 'exec "$1" --version', 'sh', program])
  if (status === 0) return program
  const folder = scope.path('runtime')
  mkdirSync(folder, { recursive: true })
  copyFileSync(program, join(folder, 'tsrun'))
  return join(folder, 'tsrun')
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
