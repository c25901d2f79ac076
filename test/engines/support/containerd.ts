/** Test support: a containerd of its own. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runtimeName } from '../../helpers/requires.js'
import { projectRoot } from '../../helpers/tools.js'
import type { Engine } from './feature.js'
import { makeImage } from './image.js'
import { writeImageArchive } from './oci-archive.js'
import { steady, untilSteady } from './steady.js'
import { Sandbox, type CommandOptions, type Result } from './sandbox.js'

/** Name of the image. */
export const image = 'localhost/busybox:latest'
const pauseImage = 'localhost/pause:latest'

/** The network of pods, by the plugins that Debian packages. */
const network = JSON.stringify({
  cniVersion: '0.4.0',
  name: 'pods',
  plugins: [
    {
      type: 'bridge',
      bridge: 'cni0',
      isGateway: true,
      ipam: { type: 'host-local', ranges: [[{ subnet: '10.98.0.0/16' }]] },
    },
  ],
})

/** The two formats of config.toml: the file of the documentation, the plugin of the CRI, the image of pods, programs for networks. */
const formats = {
  1: {
    printed: 'containerd.toml',
    plugin: 'io.containerd.grpc.v1.cri',
    pause: `sandbox_image = "${pauseImage}"`,
    programs: 'bin_dir = "/usr/lib/cni"',
    images: '',
  },
  2: {
    printed: 'containerd2.toml',
    plugin: 'io.containerd.cri.v1.runtime',
    pause: '',
    programs: 'bin_dirs = ["/usr/lib/cni"]',
    images: `[plugins."io.containerd.cri.v1.images".pinned_images]\n  sandbox = "${pauseImage}"\n`,
  },
}

/** Pods without a registry and without the right to protect themselves from the OOM killer; the runtime to compare. */
const ownSettings = (sandbox: Sandbox, { plugin, pause, programs, images }: (typeof formats)[1]): string => `
[plugins."${plugin}"]
  ${pause}
  restrict_oom_score_adj = true

  [plugins."${plugin}".cni]
    ${programs}
    conf_dir = "${sandbox.file('cni')}"

  [plugins."${plugin}".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"

    [plugins."${plugin}".containerd.runtimes.runc.options]
      BinaryName = "/usr/sbin/runc"
${images}`

/** containerd, its client `ctr` and one image. */
export class Containerd implements Engine {
  readonly sandbox: Sandbox
  #runtime: 'tested' | 'runc' = 'tested'
  #names = 0

  private constructor(sandbox: Sandbox) {
    this.sandbox = sandbox
  }

  /** Starts containerd with the configuration of the documentation and imports the image. */
  static async start(options: { path?: string } = {}): Promise<Containerd> {
    const sandbox = await Sandbox.start(options)
    const { stdout: version } = await sandbox.run('containerd', ['--version'])
    const format = formats[/ v?1\./.test(version) ? 1 : 2]
    const printed = readFileSync(join(projectRoot, 'docs/engines', format.printed), 'utf8')
    // The documentation is about tsrun.
    const text = runtimeName() === 'tsrun' ? printed : printed.replaceAll('/usr/local/bin/tsrun', sandbox.runtime())
    sandbox.write('cni/10-bridge.conflist', network)
    const config = sandbox.write('config.toml', text + ownSettings(sandbox, format))
    const folders = ['--root', sandbox.file('root'), '--state', sandbox.file('state')]
    const socket = ['--address', sandbox.file('containerd.sock')]
    await sandbox.daemon('containerd', ['--config', config, ...folders, ...socket], /containerd successfully booted/)
    const containerd = new Containerd(sandbox)
    const layer = makeImage(sandbox.file('image'))
    const archive = writeImageArchive(layer, sandbox.file('oci'), image)
    await containerd.ok('--namespace', 'default', 'images', 'import', archive)
    await containerd.ok('--namespace', 'k8s.io', 'images', 'import', archive)
    const pause = writeImageArchive(layer, sandbox.file('pause'), pauseImage, ['sleep', '1000'])
    await containerd.ok('--namespace', 'k8s.io', 'images', 'import', pause)
    return containerd
  }

  /** A name for a container. */
  name(): string {
    return `${this.sandbox.word}-${++this.#names}`
  }

  /** Runs a `ctr` command to its end. */
  command(args: readonly string[], options?: CommandOptions): Promise<Result> {
    return this.sandbox.run('ctr', ['--address', this.sandbox.file('containerd.sock'), ...args], options)
  }

  /** Runs a `ctr` command that must succeed and returns what it prints. */
  async ok(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.command(args)
    assert.equal(status, 0, `ctr ${args.join(' ')}: exit status ${status}\n${stderr}${stdout}`)
    return stdout.trim()
  }

  /** `ctr run` with the runtime; the container's cgroup has the name of the sandbox. */
  runArguments(options: readonly string[], name: string, ...args: string[]): string[] {
    const binary = this.#runtime === 'runc' ? '/usr/sbin/runc' : this.sandbox.runtime()
    const cgroup = ['--cgroup', `/${this.sandbox.word}/${name}`]
    return ['run', '--runc-binary', binary, ...cgroup, ...options, image, name, ...args]
  }

  /** Runs a container to its end. */
  run(options: readonly string[], ...args: string[]): Promise<Result> {
    return this.command(this.runArguments(['--rm', ...options], this.name(), ...args))
  }

  /** Starts a container that goes on until it is told to end, and returns its name. */
  async start(...options: string[]): Promise<string> {
    const name = this.name()
    await this.ok(...this.runArguments(['-d', ...options], name, 'sh', '-c', steady))
    await this.ok('tasks', 'exec', '--exec-id', 'steady', name, 'sh', '-c', untilSteady)
    return name
  }

  async use(runtime: 'tested' | 'runc'): Promise<void> {
    this.#runtime = runtime
  }

  async clear(): Promise<void> {
    for (const name of (await this.ok('tasks', 'ls', '-q')).split('\n').filter(Boolean)) {
      await this.ok('tasks', 'delete', '--force', name)
    }
    const names = (await this.ok('containers', 'ls', '-q')).split('\n').filter(Boolean)
    if (names.length > 0) await this.ok('containers', 'delete', ...names)
  }

  close(): Promise<string[]> {
    return this.sandbox.close()
  }
}
