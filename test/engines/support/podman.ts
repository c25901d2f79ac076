/** Test support: podman and buildah with storage of their own, and the runtime under test. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runtimeName } from '../../helpers/requires.js'
import { projectRoot } from '../../helpers/tools.js'
import type { Engine } from './feature.js'
import { makeImage } from './image.js'
import { removeCgroups } from './leftovers.js'
import { steady, untilSteady } from './steady.js'
import { Sandbox, type CommandOptions, type Result } from './sandbox.js'

/** Name of the image. */
export const image = 'localhost/busybox'

/** Rootful podman asks for more than root may have where CAP_SYS_RESOURCE is missing, with any runtime. */
const limits = `
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
`

/** Who makes the cgroups of containers. */
export type CgroupManager = 'cgroupfs' | 'systemd'

/** Podman; it has no daemon, so all there is are folders. */
export class Podman implements Engine {
  readonly sandbox: Sandbox
  readonly #manager: CgroupManager
  #runtime: 'tested' | 'runc' = 'tested'
  #names = 0

  protected constructor(sandbox: Sandbox, manager: CgroupManager) {
    this.sandbox = sandbox
    this.#manager = manager
  }

  /** Makes the storage and imports the image. */
  static async start(manager: CgroupManager = 'cgroupfs'): Promise<Podman> {
    const sandbox = await Sandbox.start({ sharedRun: manager === 'systemd' })
    const podman = new Podman(sandbox, manager)
    for (const name of ['storage', 'runroot', 'tmp']) mkdirSync(sandbox.file(name))
    // That of the documentation is about tsrun.
    const printed = readFileSync(join(projectRoot, 'docs/engines/containers.conf'), 'utf8')
    sandbox.write('containers.conf', (runtimeName() === 'tsrun' ? printed : '') + limits)
    await podman.ok('import', '--change', 'CMD ["sh"]', makeImage(sandbox.file('image')), image)
    return podman
  }

  /** A name for a container. */
  name(): string {
    return `${this.sandbox.word}-${++this.#names}`
  }

  /** Runs a podman command to its end. */
  command(args: readonly string[], options: CommandOptions = {}): Promise<Result> {
    const [program, ...rest] = this.commandLine(args)
    return this.sandbox.run(program, rest, { ...options, env: { ...this.environment, ...options.env } })
  }

  /** A podman command with the options for the storage. */
  commandLine(args: readonly string[]): [string, ...string[]] {
    const { sandbox } = this
    const storage = ['--root', sandbox.file('storage'), '--runroot', sandbox.file('runroot')]
    const own = ['--tmpdir', sandbox.file('tmp'), '--cgroup-manager', this.#manager]
    return ['podman', ...storage, ...own, ...this.#runtimeOption, ...args]
  }

  /** Where containers.conf is; and podman 5 does not warn of cgroup v1 on standard error. */
  get environment(): Record<string, string> {
    return { CONTAINERS_CONF: this.sandbox.file('containers.conf'), PODMAN_IGNORE_CGROUPSV1_WARNING: '1' }
  }

  /** Runs a buildah command to its end. */
  buildah(args: readonly string[]): Promise<Result> {
    const { sandbox } = this
    const storage = ['--root', sandbox.file('storage'), '--runroot', sandbox.file('runroot')]
    const env = { ...this.environment, BUILDAH_RUNTIME: this.#path }
    return sandbox.run('buildah', [...storage, ...args], { env })
  }

  /** Runs a podman command that must succeed and returns what it prints. */
  async ok(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.command(args)
    assert.equal(status, 0, `podman ${args.join(' ')}: exit status ${status}\n${stderr}${stdout}`)
    return stdout.trim()
  }

  /** Runs a container to its end and returns what it prints. */
  run(...args: string[]): Promise<string> {
    return this.ok('run', '--rm', '--network', 'none', ...args)
  }

  /** Starts a container that goes on until it is told to end, and returns its name. */
  async start(...options: string[]): Promise<string> {
    const name = this.name()
    const args = ['-d', '--name', name, '--network', 'none', ...options, image, 'sh', '-c', steady]
    await this.ok('run', ...args)
    await this.ok('exec', name, 'sh', '-c', untilSteady)
    return name
  }

  async use(runtime: 'tested' | 'runc'): Promise<void> {
    this.#runtime = runtime
  }

  async clear(): Promise<void> {
    await this.ok('pod', 'rm', '-f', '-a', '-t', '0')
    await this.ok('rm', '-f', '-a', '-t', '0', '-v')
  }

  async close(): Promise<string[]> {
    const { sandbox } = this
    // Podman keeps the top of its storage mounted until the machine is shut down.
    await sandbox.run('umount', [sandbox.file('storage/overlay')])
    const left = await sandbox.close()
    // A fixed name, which podman never removes; no other test uses it.
    removeCgroups('libpod_parent')
    return left
  }

  get #path(): string {
    return this.#runtime === 'runc' ? '/usr/sbin/runc' : this.sandbox.runtime()
  }

  get #runtimeOption(): string[] {
    return this.#runtime === 'tested' && runtimeName() === 'tsrun' ? [] : ['--runtime', this.#path]
  }
}
