/** Test support: a network and mount namespace of its own for an engine, so that whatever it sets up goes with it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { cgroupsWith, processesWith } from '../../helpers/leaks.js'
import { runtimeCommand, runtimeName } from '../../helpers/requires.js'
import { ended, Lines } from '../../helpers/runtime.js'
import { Daemon, hangs } from './daemon.js'
import { awaitAll, entries, ownPrefix, sweep, sweepDead } from './leftovers.js'

/** How a command ended. */
export interface Result {
  /** Exit status; 128 and more when it was killed by a signal. */
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** What a command is given besides its arguments. */
export interface CommandOptions {
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/** Engines meet the programs of the system's packages, not others of the same name. */
const systemPath = '/usr/sbin:/usr/bin:/sbin:/bin'

/** Where engines keep what cannot be moved elsewhere; `/run` also has the runtime's own state. */
const privateFolders = ['/usr/local/bin', '/var/lib/cni', '/var/lib/containers']

/** Root directory of other engines than those of this host (scripts/newest-engines.mjs), or '' for the host's. */
const enginesRoot = process.env.ENGINES_ROOT ?? ''

/** With other engines the sandbox has their root directory, its changes in memory, and of the host what is named here. */
const script = `
set -e
program=$1; shared=$2; engines=$3; shift 3
if [ -n "$engines" ]; then
  mount -t tmpfs tmpfs /mnt
  mkdir /mnt/upper /mnt/work /mnt/root
  mount -t overlay -o "lowerdir=$engines,upperdir=/mnt/upper,workdir=/mnt/work" engines /mnt/root
  for folder in /proc /sys /dev $shared; do
    mkdir -p "/mnt/root$folder"
    mount --rbind "$folder" "/mnt/root$folder"
  done
  cd /mnt/root
  mkdir -p mnt
  pivot_root . mnt
  umount -l /mnt
fi
mount --make-rshared /
ip link set lo up
for folder; do mkdir -p $folder; mount -t tmpfs tmpfs $folder; done
mkdir -p /run/lock
ln -s "$program" /usr/local/bin/tsrun
echo ready
exec cat
`

/** Namespaces, a folder, and the commands and daemons that run there. Everything ends with the test's process. */
export class Sandbox {
  /** A folder whose name is in the paths, cgroups and arguments of all that the engine does. */
  readonly folder: string
  /** Its name. */
  readonly word: string
  /** PATH of commands and daemons. */
  path = systemPath
  readonly #holder: ChildProcess
  readonly #daemons: Daemon[] = []

  private constructor(folder: string, holder: ChildProcess) {
    this.folder = folder
    this.word = basename(folder)
    this.#holder = holder
    process.once('exit', this.#onExit)
    // Without this a signal, such as that of a test runner that has lost its patience, ends us without an exit.
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, this.#onSignal)
  }

  readonly #onExit = (): void => sweep(this.word)
  readonly #onSignal = (): void => process.exit(1)

  /**
   * Makes the namespaces; they last as long as a process that reads from a pipe of ours. `sharedRun`: /run is the
   * host's, where the sockets of systemd are. `path`: the PATH of commands and daemons.
   */
  static async start({ sharedRun = false, path = systemPath } = {}): Promise<Sandbox> {
    sweepDead()
    const folder = mkdtempSync(join(tmpdir(), ownPrefix()))
    // Users of containers must get through to their root file systems.
    chmodSync(folder, 0o755)
    const hidden = [...(sharedRun ? [] : ['/run']), ...privateFolders]
    const runtime = program(folder)
    const args = [
      '--net',
      '--mount',
      '--propagation',
      'private',
      '/bin/sh',
      '-c',
      script,
      'sh',
      runtime,
      // Those of the system's packages are among the engines.
      [tmpdir(), ...(sharedRun ? ['/run'] : []), ...(isOfSystem(runtime) ? [] : [dirname(runtime)])].join(' '),
      enginesRoot,
      ...hidden,
    ]
    const holder = spawn('unshare', args, { stdio: ['pipe', 'pipe', 'inherit'], env: { PATH: systemPath } })
    if ((await new Lines(holder.stdout).next()) !== 'ready') throw new Error('cannot make namespaces for an engine')
    // An engine that does not start is never closed: the sandbox alone keeps no test from its end.
    holder.unref()
    for (const pipe of [holder.stdin, holder.stdout]) (pipe as Socket).unref()
    const sandbox = new Sandbox(folder, holder)
    sandbox.path = path
    return sandbox
  }

  /** Connects its network namespace with that of another by a veth with these addresses. */
  async connect(other: Sandbox, [own, others]: readonly [string, string]): Promise<void> {
    const peer = ['peer', 'name', 'machines', 'netns', `${other.#holder.pid}`]
    await this.#ip('link', 'add', 'machines', 'type', 'veth', ...peer)
    await this.#ip('address', 'add', `${own}/24`, 'dev', 'machines')
    await this.#ip('link', 'set', 'machines', 'up')
    await other.#ip('address', 'add', `${others}/24`, 'dev', 'machines')
    await other.#ip('link', 'set', 'machines', 'up')
  }

  async #ip(...args: string[]): Promise<void> {
    const { status, stderr } = await this.run('ip', args)
    if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`)
  }

  /** Path of a file in the folder. */
  file(name: string): string {
    return join(this.folder, name)
  }

  /** Writes a file into the folder and returns its path. */
  write(name: string, text: string, { mode = 0o644 }: { mode?: number } = {}): string {
    const path = this.file(name)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, text, { mode })
    return path
  }

  /** The runtime under test as one program: engines take a path, not a command line. */
  runtime(): string {
    return runtimeName() === 'tsrun' ? '/usr/local/bin/tsrun' : program(this.folder)
  }

  /** Starts a program in the namespaces. */
  spawn(program: string, args: readonly string[], { env, cwd }: CommandOptions = {}): ChildProcess {
    const holder = `/proc/${this.#holder.pid}/ns`
    const enter = ['--pdeathsig', 'TERM', 'nsenter', `--net=${holder}/net`, `--mount=${holder}/mnt`]
    return spawn('setpriv', [...enter, `--wdns=${cwd ?? '/'}`, '--', program, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: this.path, HOME: this.folder, TMPDIR: this.folder, TERM: 'xterm', ...env },
    })
  }

  /** Runs a program in the namespaces to its end. */
  async run(program: string, args: readonly string[], options: CommandOptions = {}): Promise<Result> {
    const child = this.spawn(program, args, options)
    const output = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.setEncoding('utf8').on('data', (text: string) => (output[name] += text))
    }
    child.stdin?.on('error', () => undefined).end(options.input ?? '')
    const timer = setTimeout(() => child.kill('SIGKILL'), hangs)
    const status = await new Promise<number>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : 143)))
    })
    clearTimeout(timer)
    return { status, ...output }
  }

  /** Starts a daemon and waits until it says that it is ready. @throws with its last lines when it ends before */
  async daemon(program: string, args: readonly string[], ready: RegExp, options?: CommandOptions): Promise<Daemon> {
    const daemon = new Daemon(program, this.spawn(program, args, options))
    this.#daemons.push(daemon)
    await daemon.said(ready)
    return daemon
  }

  /** Stops the daemons, the last one first, takes everything down and returns what was left behind. */
  async close(): Promise<string[]> {
    for (const daemon of this.#daemons.splice(0).reverse()) await daemon.stop()
    // Also monitors, and what these have started to clean up.
    awaitAll(() => processesWith(this.word))
    const left = [...this.#processes(), ...this.#mounts(), ...this.cgroups()]
    this.#holder.ref()
    this.#holder.stdin?.end()
    await ended(this.#holder)
    sweep(this.word)
    process.removeListener('exit', this.#onExit)
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.removeListener(signal, this.#onSignal)
    return left
  }

  /** Waits until the shims of removed containers have ended, for which engines don't wait. */
  awaitShims(): void {
    awaitAll(() => processesWith(this.word).filter(({ command }) => command.includes('containerd-shim')))
  }

  #processes(): string[] {
    return processesWith(this.word).map(({ pid, command }) => `process ${pid}: ${command}`)
  }

  /** Mounts of the engine's folder and of network namespaces, and the containers in the runtime's state directory. */
  #mounts(): string[] {
    const mounts = readFileSync(`/proc/${this.#holder.pid}/mountinfo`, 'utf8').split('\n')
    const own = mounts.filter((line) => line.includes(this.word) || line.includes(' - nsfs '))
    const state = join(`/proc/${this.#holder.pid}/root/run`, runtimeName())
    return [
      ...own.filter((line) => !line.includes('/netns/default ')).map((line) => `mount: ${line}`),
      ...entries(state)
        .filter((name) => !name.startsWith('.'))
        .map((name) => `state: ${name}`),
    ]
  }

  /** Cgroups that the engine's containers still have. */
  cgroups(): string[] {
    return cgroupsWith(this.word)
      .flatMap((path) => [path, join(path, 'buildkit')])
      .flatMap((path) => entries(path, { folders: true }).map((name) => join(path, name)))
      .filter((path) => !path.endsWith('/buildkit'))
      .map((path) => `cgroup: ${path}`)
  }
}

const isOfSystem = (program: string): boolean => systemPath.split(':').includes(dirname(program))

/** The runtime under test as one program; a command line becomes a script. */
function program(folder: string): string {
  const [name, ...args] = runtimeCommand()
  const paths = systemPath.split(':').map((place) => resolve(place, name))
  const path = paths.find((path) => existsSync(path)) ?? name
  if (args.length === 0) return path
  const script = join(folder, runtimeName())
  const line = [path, ...args].map((word) => `'${word}'`).join(' ')
  writeFileSync(script, `#!/bin/sh\nexec ${line} "$@"\n`, { mode: 0o755 })
  return script
}
