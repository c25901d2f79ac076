/** The library, embedded in programs. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Runtime, type Config } from 'tsrun'
import type { TestConfig } from '../helpers/config.js'
import type { Findings } from '../helpers/programs/three-containers.js'
import { setNamespace } from '../helpers/config.js'
import type { Scope } from '../helpers/scope.js'
import { stoppedHook } from '../helpers/stopped-hook.js'
import { test } from '../helpers/test.js'
import { projectRoot } from '../helpers/tools.js'

const needs = ['tsrun'] as const

/** A runtime on the scope's state directory, and its warnings. */
function library(scope: Scope): { runtime: Runtime; warnings: string[] } {
  const warnings: string[] = []
  return { runtime: new Runtime({ root: scope.root, onWarning: (message) => warnings.push(message) }), warnings }
}

/** The config of a bundle, as the library takes it. */
const asConfig = (config: TestConfig): Config => config

test(
  'a plain Node.js program runs three containers at once, and its event loop goes on',
  (t, scope) => {
    const statuses = [0, 7, 42]
    const args = statuses.flatMap((status) => {
      const container = scope.container((config) => {
        config.process.args = ['/bin/sh', '-c', `read line < /go; exit ${status}`]
        setNamespace(config, 'network')
      })
      container.fifo('go')
      return [container.id, container.bundle.path]
    })
    const program = join(projectRoot, 'build/test/helpers/programs/three-containers.js')
    const { status, stdout, stderr } = scope.runner.runProgram(process.execPath, [program, scope.root, ...args])
    t.same({ status, stderr }, { status: 0, stderr: '' })
    const findings = JSON.parse(stdout) as Findings
    t.same(findings.statuses, ['created', 'created', 'created'])
    t.match(
      findings.exits,
      statuses.map((code) => ({ code, signal: null, oom: false, timedOut: false })),
    )
    t.equal(findings.turns, 1000)
    t.equal(findings.endedEarly, 0)
    t.equal(findings.threads[0], findings.threads[1], 'no thread for a container')
    t.same(findings.left, [])
    t.same(scope.leftovers(), [])
  },
  { needs },
)

test(
  'a config can be given as a document, and is checked like a file',
  async (t, scope) => {
    const { runtime } = library(scope)
    const { bundle, id } = scope.container()
    const config = { ...bundle.config, process: { ...bundle.config.process, args: ['/bin/sh', '-c', 'exit 5'] } }
    const container = await runtime.create(id, { bundle: bundle.path, config: asConfig(config) })
    await container.start()
    t.match(await container.wait(), { code: 5, signal: null })
    await container.delete()
    const bad = { ...config, linux: { ...config.linux, rootfsPropagation: 'sideways' } } as unknown as Config
    await t.rejects(runtime.create(id, { bundle: bundle.path, config: bad }), {
      code: 'ERR_TSRUN_CONFIG',
      issues: [{ pointer: '/linux/rootfsPropagation' }],
    })
  },
  { needs },
)

test(
  'wait tells the signal that has ended a container, to whoever asks and however often',
  async (t, scope) => {
    const { runtime } = library(scope)
    const { bundle, id } = scope.container((config) => {
      config.process.args = ['/probe', 'wait']
    })
    const container = await runtime.create(id, { bundle: bundle.path })
    await container.start()
    const waiting = [container.wait(), container.wait()]
    await container.kill(9)
    const killed = { code: null, signal: 9, oom: false, timedOut: false }
    t.match(await Promise.all(waiting), [killed, killed])
    t.match(await container.wait(), killed)
    t.equal((await container.state()).status, 'stopped')
    await container.delete()
  },
  { needs },
)

test(
  'wait on a container that another process has made ends with it, without a status',
  async (t, scope) => {
    const container = scope.container((config) => {
      config.process.args = ['/probe', 'wait']
    })
    container.run(['--detach'])
    const opened = await library(scope).runtime.get(container.id)
    const waiting = opened.wait()
    await opened.kill(9)
    t.match(await waiting, { code: null, signal: null })
  },
  { needs },
)

test(
  'errors have stable codes and fields',
  async (t, scope) => {
    const { runtime } = library(scope)
    const { bundle, id } = scope.container((config) => {
      config.process.args = ['/probe', 'wait']
    })
    const path = bundle.path
    await t.rejects(runtime.get(id), { code: 'ERR_TSRUN_NOT_FOUND', id })
    await t.rejects(runtime.delete(id), { code: 'ERR_TSRUN_NOT_FOUND', id })
    await t.resolves(runtime.delete(id, { force: true }))
    await t.rejects(runtime.create('a/b', { bundle: path }), { code: 'ERR_TSRUN_USAGE' })
    await t.rejects(runtime.create(id, { bundle: scope.path('nowhere') }), {
      code: 'ERR_TSRUN_USAGE',
      cause: { code: 'ERR_TSRUN_SYSCALL', errnoName: 'ENOENT' },
    })
    const container = await runtime.create(id, { bundle: path })
    await t.rejects(runtime.create(id, { bundle: path }), { code: 'ERR_TSRUN_EXISTS', id })
    await container.start()
    await t.rejects(container.start(), { code: 'ERR_TSRUN_STATUS', id, operation: 'start', status: 'running' })
    await t.rejects(container.delete(), { code: 'ERR_TSRUN_STATUS', operation: 'delete' })
    await container.delete({ force: true })
    const missing = { ...bundle.config, process: { ...bundle.config.process, args: ['/nothing'] } }
    await t.rejects(runtime.create(id, { bundle: path, config: asConfig(missing) }), {
      code: 'ERR_TSRUN_SYSCALL',
      side: 'init',
      step: 'program',
      errnoName: 'ENOENT',
    })
    const hook = { path: '/bin/sh', args: ['sh', '-c', 'exit 3'] }
    const hooked = { ...bundle.config, hooks: { createRuntime: [hook] } }
    await t.rejects(runtime.create(id, { bundle: path, config: asConfig(hooked) }), {
      code: 'ERR_TSRUN_HOOK',
      hook: 'createRuntime',
      index: 0,
      path: '/bin/sh',
    })
    t.same(scope.leftovers(), [])
  },
  { needs },
)

test(
  'what is not an error is told by onWarning',
  async (t, scope) => {
    const { runtime, warnings } = library(scope)
    const { bundle, id } = scope.container()
    const hooks = { poststop: [{ path: '/bin/sh', args: ['sh', '-c', 'exit 3'] }] }
    const process = { ...bundle.config.process, capabilities: { bounding: ['CAP_NO_SUCH'] } }
    const container = await runtime.create(id, {
      bundle: bundle.path,
      config: asConfig({ ...bundle.config, hooks, process }),
    })
    await container.delete()
    t.match(warnings, [/CAP_NO_SUCH/, /poststop hook #0/])
  },
  { needs },
)

test(
  'a delete waits for a create of the same process without blocking it',
  async (t, scope) => {
    const { runtime } = library(scope)
    const stop = stoppedHook(scope)
    const { bundle, id } = scope.container((config) => {
      config.hooks = { createRuntime: [stop.hook] }
    })
    const creating = runtime.create(id, { bundle: bundle.path }).then(
      () => 'created',
      () => 'failed',
    )
    await stop.whenReached()
    const deleting = runtime.delete(id, { force: true })
    // A blocking lock would end here, and with it the program.
    for (let turns = 0; turns < 100; turns++) await new Promise((resolve) => setImmediate(resolve))
    await stop.letGo()
    await deleting
    t.equal(await creating, 'failed')
    t.same(scope.leftovers(), [])
  },
  { needs },
)

test(
  'list shows the containers of the library and of the command line alike',
  async (t, scope) => {
    const { runtime } = library(scope)
    const { bundle, id } = scope.container()
    const other = scope.container()
    await runtime.create(id, { bundle: bundle.path })
    other.create()
    const { containers, broken } = await runtime.list()
    t.same(
      containers.map((one) => [one.id, one.status]),
      [
        [id, 'created'],
        [other.id, 'created'],
      ],
    )
    t.same(broken, [])
    const listed = JSON.parse(scope.runtime(['list', '--format', 'json']).stdout) as { id: string }[]
    t.same(
      listed.map((one) => one.id),
      [id, other.id],
    )
  },
  { needs },
)

test(
  'the library leaves no descriptor open, and takes no signal from its program',
  async (t, scope) => {
    const { runtime } = library(scope)
    const { bundle, id } = scope.container()
    const round = async () => {
      const container = await runtime.create(id, { bundle: bundle.path })
      await container.start()
      await container.wait()
      await container.delete()
    }
    await round() // the first loads the addon and starts its watcher
    const own = () => ({
      descriptors: readdirSync('/proc/self/fd').length,
      threads: readdirSync('/proc/self/task').length,
      signals: readFileSync('/proc/self/status', 'utf8').match(/^Sig(Cgt|Ign|Blk):.*$/gm),
    })
    const before = own()
    for (let i = 0; i < 10; i++) await round()
    t.same(own(), before)
  },
  { needs },
)
