/** CRI-O's configuration (Debian has no CRI-O): its monitor and the runtime, called as CRI-O calls them. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeBundle } from '../helpers/bundle.js'
import { runtimeName } from '../helpers/requires.js'
import { Lines } from '../helpers/runtime.js'
import { projectRoot } from '../helpers/tools.js'
import { Features, type Engine } from './support/feature.js'
import { fileShows } from './support/files.js'
import { Sandbox } from './support/sandbox.js'

/** A handler of crio.conf(5). */
interface Handler {
  readonly runtime_path: string
  readonly runtime_type: string
  readonly runtime_root: string
  readonly monitor_path: string
}

/** The handler of the documentation, and what CRI-O would do with it. */
class Crio implements Engine {
  readonly sandbox: Sandbox
  readonly handler: Handler
  readonly #ids: string[] = []
  #count = 0

  constructor(sandbox: Sandbox, handler: Handler) {
    this.sandbox = sandbox
    this.handler = handler
  }

  static async start(): Promise<Crio> {
    const sandbox = await Sandbox.start()
    mkdirSync(sandbox.file('sockets'))
    const script = 'import json, sys, tomllib; json.dump(tomllib.load(sys.stdin.buffer), sys.stdout)'
    const input = readFileSync(join(projectRoot, 'docs/engines/crio.conf'), 'utf8')
    const { stdout, stderr } = spawnSync('python3', ['-c', script], { input, encoding: 'utf8' })
    assert.equal(stderr, '')
    const { runtime } = (JSON.parse(stdout) as { crio: { runtime: Runtime } }).crio
    const handler = runtime.runtimes[runtime.default_runtime]
    assert.ok(handler, 'the default runtime is among the runtimes')
    // Another runtime that is tested takes the place of the documented one.
    const path = runtimeName() === 'tsrun' ? handler.runtime_path : sandbox.runtime()
    return new Crio(sandbox, { ...handler, runtime_path: path })
  }

  /** Calls the runtime as CRI-O does. */
  async runtime(...args: string[]): Promise<string> {
    const { runtime_path: path, runtime_root: root } = this.handler
    const { status, stdout, stderr } = await this.sandbox.run(path, ['--root', root, ...args], {
      env: { CRI_O_EXTERNAL: '1', XDG_RUNTIME_DIR: '/run' },
    })
    assert.equal(status, 0, `${args.join(' ')}: ${stderr}`)
    return stdout
  }

  /** Creates a container with the monitor as its parent; resolves with id and exit files once it is created. */
  async create(command: readonly string[]): Promise<{ id: string; exits: string; log: string }> {
    const id = `${this.sandbox.word}-${++this.#count}`
    this.#ids.push(id)
    const bundle = makeBundle(this.sandbox.file(id), (config) => {
      config.process.args = [...command]
    })
    const exits = this.sandbox.file(`exits-${id}`)
    mkdirSync(exits)
    const log = this.sandbox.file(`${id}.log`)
    const files = ['-b', bundle.path, '-p', this.sandbox.file(`${id}.pid`), '-l', `k8s-file:${log}`]
    const names = [
      '-c',
      id,
      '-n',
      id,
      '-u',
      id,
      '--exit-dir',
      exits,
      '--socket-dir-path',
      this.sandbox.file('sockets'),
      '-r',
      this.handler.runtime_path,
    ]
    const args = [...names, ...files, '--runtime-arg', `--root=${this.handler.runtime_root}`]
    // The monitor goes into the background and tells by this pipe when the container has been created.
    const script = 'exec 3>&1 >/dev/null; _OCI_SYNCPIPE=3 exec "$@"'
    const shell = ['-c', script, 'sh', this.handler.monitor_path, ...args]
    const told = await new Lines(this.sandbox.spawn('sh', shell, { cwd: bundle.path }).stdout).next()
    assert.match(told ?? '', /"pid": *[1-9]/)
    return { id, exits, log }
  }

  use(): Promise<void> {
    return Promise.resolve()
  }

  async clear(): Promise<void> {
    for (const id of this.#ids.splice(0)) await this.runtime('delete', '--force', id)
  }

  close(): Promise<string[]> {
    return this.sandbox.close()
  }
}

interface Runtime {
  readonly default_runtime: string
  readonly runtimes: Readonly<Record<string, Handler>>
}

/** The exit status that the monitor writes when the container has ended. */
const exitStatus = (exits: string, id: string): Promise<string> => fileShows(join(exits, id), /\d/)

const crio = new Features('CRI-O', () => Crio.start())

crio.add('the calls of crio.conf: features, create by conmon, start, state, kill, delete', async (crio) => {
  const features = JSON.parse(await crio.runtime('features')) as { ociVersionMin: string }
  assert.ok(features.ociVersionMin)
  const { id, exits } = await crio.create(['/bin/sleep', '1000'])
  const status = async (): Promise<string> => (JSON.parse(await crio.runtime('state', id)) as { status: string }).status
  assert.equal(await status(), 'created')
  await crio.runtime('start', id)
  assert.equal(await status(), 'running')
  await crio.runtime('kill', id, '9')
  assert.equal(await exitStatus(exits, id), '137')
  assert.equal(await status(), 'stopped')
})

crio.add('exit status and log', async (crio) => {
  const { id, exits, log } = await crio.create(['/bin/sh', '-c', 'echo logged; exit 7'])
  await crio.runtime('start', id)
  assert.equal(await exitStatus(exits, id), '7')
  await fileShows(log, / stdout F logged\n/)
})

crio.end()
