/** Test support: podman of an ordinary user with subordinate ids, and the runtime under test. */
import assert from 'node:assert/strict'
import { chownSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { runtimeCommand, runtimeName } from '../../helpers/requires.js'
import { projectRoot } from '../../helpers/tools.js'
import type { Engine } from './feature.js'
import { makeImage } from './image.js'
import { removeCgroups } from './leftovers.js'
import { Sandbox, type CommandOptions, type Result } from './sandbox.js'
import { steady, untilSteady } from './steady.js'

/** Name of the image. */
export const image = 'localhost/busybox'

/** An id that no distribution gives to anybody, and those that belong to it. */
const user = 54321
const subordinate = '600000:65536'

/** What it has of its own below /etc. */
const files = ['passwd', 'group', 'subuid', 'subgid']

/** Without cgroups that are delegated to the user there is none to make a cgroup namespace for. */
const limits = '\n[containers]\ncgroupns = "host"\n'

/**
 * As root, in the sandbox's mount namespace: the user's entries, a runtime that the user can reach wherever the
 * checkout is, and a procfs of the sandbox's own, since the host's may hide the processes of others (hidepid).
 */
const prepare = `
set -e
for name in ${files.join(' ')}; do mount --bind "$1/$name" /etc/$name; done
mount -t proc proc /proc
for name in $3; do
  rm -f /usr/local/bin/$name
  touch /usr/local/bin/$name
  mount --bind "$2/$name" /usr/local/bin/$name
done
`

/** Podman without root; there is no daemon, but a process that keeps the user's namespace. */
export class RootlessPodman implements Engine {
  readonly sandbox: Sandbox
  #runtime: 'tested' | 'runc' = 'tested'
  #names = 0

  private constructor(sandbox: Sandbox) {
    this.sandbox = sandbox
  }

  /** Makes the user with its storage and imports the image. */
  static async start(): Promise<RootlessPodman> {
    const sandbox = await Sandbox.start()
    const podman = new RootlessPodman(sandbox)
    sandbox.write('etc/passwd', `root:x:0:0::/root:/bin/sh\ntester:x:${user}:${user}::${sandbox.folder}/home:/bin/sh\n`)
    sandbox.write('etc/group', `root:x:0:\ntester:x:${user}:\n`)
    for (const name of ['subuid', 'subgid']) sandbox.write(`etc/${name}`, `tester:${subordinate}\n`)
    for (const name of ['storage', 'runroot', 'tmp', 'home', 'xdg']) {
      mkdirSync(sandbox.file(name), { mode: 0o700 })
      chownSync(sandbox.file(name), user, user)
    }
    const printed = readFileSync(join(projectRoot, 'docs/engines/containers.conf'), 'utf8')
    sandbox.write('containers.conf', (runtimeName() === 'tsrun' ? printed : '') + limits)
    const [program] = runtimeCommand()
    const parts = runtimeName() === 'tsrun' ? 'tsrun tsrun.node' : ''
    const made = await sandbox.run('/bin/sh', ['-c', prepare, 'sh', sandbox.file('etc'), dirname(program), parts])
    assert.equal(made.status, 0, made.stderr)
    await podman.ok('import', '--change', 'CMD ["sh"]', makeImage(sandbox.file('image')), image)
    return podman
  }

  /** A name for a container. */
  name(): string {
    return `${this.sandbox.word}-${++this.#names}`
  }

  /** Runs a podman command of the user to its end. */
  command(args: readonly string[], options: CommandOptions = {}): Promise<Result> {
    const { sandbox } = this
    const ids = ['--reuid', `${user}`, '--regid', `${user}`, '--clear-groups', '--inh-caps=-all']
    const storage = ['--root', sandbox.file('storage'), '--runroot', sandbox.file('runroot')]
    const own = ['--storage-driver', 'vfs', '--tmpdir', sandbox.file('tmp'), '--cgroup-manager', 'cgroupfs']
    const runtime = this.#runtime === 'runc' || runtimeName() !== 'tsrun' ? ['--runtime', 'runc'] : []
    const env = {
      CONTAINERS_CONF: sandbox.file('containers.conf'),
      HOME: sandbox.file('home'),
      TMPDIR: sandbox.file('home'),
      XDG_RUNTIME_DIR: sandbox.file('xdg'),
      ...options.env,
    }
    return sandbox.run('setpriv', [...ids, 'podman', ...storage, ...own, ...runtime, ...args], { ...options, env })
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
    await this.ok('run', '-d', '--name', name, '--network', 'none', ...options, image, 'sh', '-c', steady)
    await this.ok('exec', name, 'sh', '-c', untilSteady)
    return name
  }

  async use(runtime: 'tested' | 'runc'): Promise<void> {
    this.#runtime = runtime
  }

  async clear(): Promise<void> {
    await this.ok('rm', '-f', '-a', '-t', '0', '-v')
  }

  async close(): Promise<string[]> {
    // Ends the process that keeps the namespace.
    await this.command(['system', 'migrate'])
    await this.sandbox.run(
      'umount',
      files.map((name) => `/etc/${name}`),
    )
    const left = await this.sandbox.close()
    removeCgroups('libpod_parent')
    return left
  }
}
