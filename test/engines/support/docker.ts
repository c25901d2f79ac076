/** Test support: a Docker daemon of its own whose default runtime is the one under test. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { runtimeName } from '../../helpers/requires.js'
import { ended, Lines } from '../../helpers/runtime.js'
import { projectRoot } from '../../helpers/tools.js'
import type { Daemon } from './daemon.js'
import type { Engine } from './feature.js'
import { makeImage } from './image.js'
import { steady, untilSteady } from './steady.js'
import { Sandbox, type CommandOptions, type Result } from './sandbox.js'

/** Name of the image that every daemon has. */
export const image = 'busybox'

/** A daemon with one image; its containers, networks and images are in the sandbox's folder. */
export class Docker implements Engine {
  readonly sandbox: Sandbox
  readonly #startDaemon: () => Promise<Daemon>
  #daemon: Daemon
  #names = 0

  private constructor(sandbox: Sandbox, daemon: Daemon, startDaemon: () => Promise<Daemon>) {
    this.sandbox = sandbox
    this.#daemon = daemon
    this.#startDaemon = startDaemon
  }

  /** Starts the daemon and imports the image. With systemd as cgroup manager it has no network. */
  static async start({ systemd = false, ...options }: { systemd?: boolean; path?: string } = {}): Promise<Docker> {
    const sandbox = await Sandbox.start({ sharedRun: systemd, ...options })
    const runtime = sandbox.runtime()
    // The builder looks for a program called runc on its PATH.
    mkdirSync(sandbox.file('as-runc'))
    symlinkSync(runtime, sandbox.file('as-runc/runc'))
    configure(sandbox, 'tested')
    const env = { PATH: `${sandbox.file('as-runc')}:${sandbox.path}` }
    const withSystemd = ['--exec-opt', 'native.cgroupdriver=systemd', '--cgroup-parent', 'tsrun-test.slice']
    const other = systemd
      ? [...withSystemd, '--bridge', 'none', '--iptables=false']
      : ['--cgroup-parent', `/${sandbox.word}`]
    // Of what is tested checkpoints are experimental.
    const args = ['--config-file', sandbox.file('daemon.json'), '--experimental', ...other]
    const startDaemon = (): Promise<Daemon> => sandbox.daemon('dockerd', args, /API listen on/, { env })
    const docker = new Docker(sandbox, await startDaemon(), startDaemon)
    await docker.ok('import', '--change', 'CMD ["sh"]', makeImage(sandbox.file('image')), image)
    return docker
  }

  /** Name of the runtime that is tested, as in daemon.json. */
  get runtimeName(): string {
    return testedRuntime()
  }

  /** A name for a container. */
  name(): string {
    return `container-${++this.#names}`
  }

  /** Runs a docker command to its end. */
  command(args: readonly string[], options: CommandOptions = {}): Promise<Result> {
    return this.sandbox.run('docker', args, { ...options, env: { ...this.environment, ...options.env } })
  }

  /** What docker's clients need to find the daemon. */
  get environment(): Record<string, string> {
    return { DOCKER_HOST: `unix://${this.sandbox.file('docker.sock')}` }
  }

  /** Runs a docker command that must succeed and returns what it prints. */
  async ok(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.command(args)
    assert.equal(status, 0, `docker ${args.join(' ')}: exit status ${status}\n${stderr}${stdout}`)
    return stdout.trim()
  }

  /** Runs a container to its end and returns what it prints. */
  run(...args: string[]): Promise<string> {
    return this.ok('run', '--rm', ...args)
  }

  /** Starts a container that goes on until it is told to end, and returns its name. */
  async start(...options: string[]): Promise<string> {
    const name = this.name()
    await this.ok('run', '-d', '--name', name, ...options, image, 'sh', '-c', steady)
    await this.ok('exec', name, 'sh', '-c', untilSteady)
    return name
  }

  /** Waits until an event of a container has happened so many times. */
  async seen(name: string, action: string, { times = 1 }: { times?: number } = {}): Promise<void> {
    // Since 0: also those that the daemon has told before.
    const args = ['events', '--filter', `container=${name}`, '--since', '0', '--format', '{{.Action}}']
    const child = this.sandbox.spawn('docker', args, { env: this.environment })
    const lines = new Lines(child.stdout)
    try {
      for (let count = 0; count < times;) {
        const line = await lines.next()
        if (line === undefined) throw new Error(`docker events has ended before ${name} had ${action}`)
        if (line === action) count++
      }
    } finally {
      child.kill()
      await ended(child)
    }
  }

  /** A member of what `docker inspect` knows of a container, as text. */
  inspect(name: string, member: string): Promise<string> {
    return this.ok('inspect', '--format', `{{${member}}}`, name)
  }

  /** Kills the daemon, as the loss of its machine would; its containers go on. */
  async lose(): Promise<void> {
    this.#daemon.kill('SIGKILL')
    await this.#daemon.ended()
  }

  /** Starts the daemon that was lost again. */
  async comeBack(): Promise<void> {
    this.#daemon = await this.#startDaemon()
  }

  async use(runtime: 'tested' | 'runc'): Promise<void> {
    configure(this.sandbox, runtime)
    this.#daemon.forget()
    this.#daemon.kill('SIGHUP')
    await this.#daemon.said(/Reloaded configuration/)
  }

  async clear(): Promise<void> {
    const remaining = async (): Promise<string[]> => (await this.ok('ps', '-aq')).split('\n').filter(Boolean)
    let last = ''
    // The daemon may be about to remove the same container, after --rm or for a service.
    for (let attempt = 0; attempt < 100; attempt++) {
      const ids = await remaining()
      if (ids.length === 0) return
      last = (await this.command(['rm', '-f', '-v', ...ids])).stderr
    }
    throw new Error(last)
  }

  close(): Promise<string[]> {
    return this.sandbox.close()
  }
}

/** The name `runc` is Docker's own and cannot be given in daemon.json. */
const testedRuntime = (): string => (runtimeName() === 'runc' ? 'packaged-runc' : runtimeName())

/** What is read of daemon.json as in the documentation. */
interface Settings {
  readonly runtimes?: Readonly<Record<string, unknown>>
}

/** Writes daemon.json: that of the documentation, with folders of its own. */
function configure(sandbox: Sandbox, runtime: 'tested' | 'runc'): void {
  const printed = join(projectRoot, 'docs/engines/daemon.json')
  const base = runtimeName() === 'tsrun' ? (JSON.parse(readFileSync(printed, 'utf8')) as Settings) : {}
  const tested = { [testedRuntime()]: { path: sandbox.runtime() } }
  const settings = {
    'default-runtime': testedRuntime(),
    ...base,
    'data-root': sandbox.file('data'),
    'exec-root': sandbox.file('exec'),
    pidfile: sandbox.file('docker.pid'),
    hosts: [`unix://${sandbox.file('docker.sock')}`],
    runtimes: { ...(base.runtimes ?? tested), 'reference-runc': { path: '/usr/sbin/runc' } },
    ...(runtime === 'runc' ? { 'default-runtime': 'reference-runc' } : {}),
  }
  sandbox.write('daemon.json', JSON.stringify(settings))
}
