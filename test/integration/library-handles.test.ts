/** The library: handles, whoever has them and however many, and what is left when nobody waits. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isTsrunError, Runtime, type Container, type ContainerExit, type Hooks, type Mount, type Seccomp } from 'tsrun'
import { sleeper } from '../helpers/exec.js'
import { awaitProcess } from '../helpers/peer.js'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'
import { projectRoot } from '../helpers/tools.js'

const needs = ['tsrun'] as const

/** What no program in TypeScript may pass. */
const wrong = (value: unknown): never => value as never

/** A container that runs. */
async function started(
  scope: Scope,
  args = ['/bin/sleep', '1000'],
): Promise<{ runtime: Runtime; container: Container }> {
  const runtime = new Runtime({ root: scope.root })
  const { path } = scope.bundle((config) => (config.process.args = args))
  const container = await runtime.create(scope.newId(), { bundle: path, stdio: 'ignore' })
  await container.start()
  return { runtime, container }
}

/** Children of this process. */
const childCount = (): number =>
  readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean).length

/** Children of this process that have ended and that nobody has reaped. */
const zombies = (): number =>
  readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8')
    .split(' ')
    .filter((pid) => pid !== '' && /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))).length

test(
  'every handle of a container learns how it has ended, also one that is made afterwards',
  async (t, scope) => {
    const { runtime, container } = await started(scope)
    const other = await runtime.get(container.id)
    const another = await new Runtime({ root: scope.root }).get(container.id)
    const waiting = [container.wait(), other.wait(), another.wait(), other.wait()]
    await other.kill('SIGKILL')
    const exits = await Promise.all(waiting)
    for (const exit of exits) t.match(exit, { code: null, signal: 9, oom: false })
    t.match(await (await runtime.get(container.id)).wait(), { code: null, signal: 9 })
    await container.delete()
  },
  { needs },
)

test(
  'wait tells how a container has ended that was deleted by force',
  async (t, scope) => {
    const { runtime, container } = await started(scope)
    await runtime.delete(container.id, { force: true })
    const exit: ContainerExit = await container.wait()
    t.match(exit, { code: null, signal: 9 })
    t.ok((exit.usage.cpuTime ?? 0) > 0, 'its cgroup was looked at before it was removed')
    const second = await started(scope)
    const waiting = second.container.wait()
    await second.container[Symbol.asyncDispose]()
    t.match(await waiting, { code: null, signal: 9 })
    await t.rejects(second.runtime.get(second.container.id), { code: 'ERR_TSRUN_NOT_FOUND' })
  },
  { needs },
)

test(
  'containers and processes that nobody waits for leave no descriptor and no zombie',
  async (t, scope) => {
    const { runtime, container } = await started(scope)
    const { path } = scope.bundle((config) => (config.process.args = ['/bin/true']))
    const open = (): number => readdirSync('/proc/self/fd').length
    const before = open()
    const ended: (() => Promise<unknown>)[] = []
    for (let round = 0; round < 20; round++) {
      const one = await runtime.create(scope.newId(), { bundle: path, stdio: 'ignore' })
      await one.start()
      const added = await container.exec({ args: ['/bin/true'], stdio: 'ignore' })
      // Seen by others, not waited for.
      ended.push(async () => (await one.state()).status === 'stopped' && !added.kill(0))
    }
    for (const has of ended) while (!(await has())) await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setTimeout(resolve, 0))
    t.equal(open(), before)
    t.equal(zombies(), 0)
    for (const { id, status } of (await runtime.list()).containers) if (status === 'stopped') await runtime.delete(id)
    await container.delete({ force: true })
  },
  { needs },
)

test(
  'with killOnExit a container ends with a program that is killed, and leaves nothing else; without it goes on',
  async (t, scope) => {
    const ids = [scope.newId(), scope.newId()]
    const { path } = scope.bundle(sleeper)
    const program = join(projectRoot, 'build/test/helpers/programs/killed.js')
    // With what this process begins with: it may be sanitizers.
    const env = { PATH: process.env.PATH ?? '', LD_PRELOAD: process.env.LD_PRELOAD ?? '' }
    const { stdout } = scope.runner.runProgram(process.execPath, [program, scope.root, path, ...ids], { env })
    const [guarded = 0, other = 0] = stdout.split('\n').map(Number)
    awaitProcess(guarded)
    const runtime = new Runtime({ root: scope.root })
    const states = (await runtime.list()).containers.map(({ pid, status }) => ({ pid, status }))
    t.same(states, [
      { pid: 0, status: 'stopped' },
      { pid: other, status: 'running' },
    ])
    for (const id of ids) await runtime.delete(id, { force: true })
    const { path: short } = scope.bundle((config) => (config.process.args = ['/bin/true']))
    const container = await runtime.create(scope.newId(), { bundle: short, stdio: 'ignore', killOnExit: true })
    await container.start()
    t.match(await container.wait(), { code: 0 })
    await container.delete()
    while (childCount() > 0) await new Promise((resolve) => setImmediate(resolve))
    t.pass('the guard goes with its container')
  },
  { needs },
)

test(
  'events end at once when the iterator is returned from, and when its signal is aborted',
  async (t, scope) => {
    const { container } = await started(scope)
    const open = (): number => readdirSync('/proc/self/fd').length
    const before = open()
    const events = container.events({ interval: 3_600_000 })
    const pending = events.next()
    t.same(await events.return(), { done: true, value: undefined })
    t.same(await pending, { done: true, value: undefined })
    t.same(await events.next(), { done: true, value: undefined })
    const controller = new AbortController()
    const aborted = container.events({ interval: 3_600_000, signal: controller.signal })
    const waiting = aborted.next()
    controller.abort(new Error('enough'))
    await t.rejects(waiting, { message: 'enough' })
    await t.rejects(aborted.next(), { message: 'enough' })
    await t.rejects(container.wait({ signal: AbortSignal.abort(new Error('at once')) }), { message: 'at once' })
    const later = new AbortController()
    const wait = container.wait({ signal: later.signal })
    later.abort(new Error('no more'))
    await t.rejects(wait, { message: 'no more' })
    t.equal(open(), before)
    await container.delete({ force: true })
  },
  { needs },
)

test(
  'types: the exit has code and signal, errors narrow by their code, every part of a config has a name',
  async (t, scope) => {
    const { container } = await started(scope, ['/bin/sh', '-c', 'exit 3'])
    const exit = await container.wait()
    const code: number | null = exit.code
    t.equal(code, 3)
    const mount: Mount = { destination: '/tmp', type: 'tmpfs' }
    const hooks: Hooks = {}
    const seccomp: Partial<Seccomp> = {}
    t.match({ mount, hooks, seccomp }, {})
    try {
      await container.start()
    } catch (error) {
      if (isTsrunError(error) && error.code === 'ERR_TSRUN_STATUS') {
        const status: string = error.status
        t.equal(status, 'stopped')
      }
    }
    await container.delete()
  },
  { needs },
)

test(
  'options that are not known, or not of their type, are refused by name',
  async (t, scope) => {
    const { runtime, container } = await started(scope)
    const { path: bundle } = scope.bundle(sleeper)
    const refused = async (work: Promise<unknown>, message: RegExp): Promise<void> => {
      await t.rejects(work, { code: 'ERR_TSRUN_USAGE', message })
    }
    const args = ['/bin/true']
    await refused(container.exec(wrong({ args, user: '1000' })), /user: must be an object, found "1000"/)
    await refused(container.exec(wrong({ args, user: { name: 'nobody' } })), /user.*(unknown member "name"|uid)/)
    await refused(container.exec(wrong({ args, time_out: 1 })), /unknown member "time_out"; did you mean "timeout"\?/)
    await refused(container.exec(wrong({ args, stdio: 'pip' })), /stdio: must be 'pipe'/)
    await refused(container.exec(wrong({ args: 'true' })), /args: must be an array/)
    await refused(container.exec(wrong(undefined)), /options of exec/)
    await refused(container.exec(wrong({ process: { args, cwd: '/' }, user: { uid: 1 } })), /unknown member "user"/)
    await refused(runtime.create('x', wrong(undefined)), /options of create/)
    await refused(runtime.create('x', wrong({ bundle, rot: '/' })), /unknown member "rot"/)
    await refused(runtime.create(wrong(7), { bundle }), /invalid container ID/)
    await refused(runtime.get(wrong({})), /invalid container ID/)
    await refused(container.kill('SIGTURM'), /unknown signal "SIGTURM"/)
    await refused(container.kill(wrong({})), /unknown signal/)
    await refused(container.update(wrong({ memroy: { limit: 1 } })), /unknown member "memroy"; did you mean "memory"\?/)
    await refused(container.delete(wrong({ forse: true })), /did you mean "force"\?/)
    t.throws(() => new Runtime(wrong({ rot: '/x' })), { code: 'ERR_TSRUN_USAGE', message: /did you mean "root"\?/ })
    t.throws(() => new Runtime(wrong({ root: 7 })), { code: 'ERR_TSRUN_USAGE', message: /root/ })
    await container.kill('TERM', { all: true })
    await container.kill('SIGKILL')
    await container.delete({ force: true })
  },
  { needs },
)

/** A container that writes more than it may keep. */
async function shortOfMemory(scope: Scope): Promise<Container> {
  const script = 'while :; do busybox dd if=/dev/zero of=/big bs=1M count=48 2>/dev/null; done'
  const { path } = scope.bundle((config) => {
    config.process.args = ['/bin/sh', '-c', script]
    // From the beginning: the kernel refuses a limit that is lower than what is used (EBUSY).
    config.linux.resources = { memory: { limit: 16 << 20 } }
  })
  const container = await new Runtime({ root: scope.root }).create(scope.newId(), { bundle: path, stdio: 'ignore' })
  await container.start()
  return container
}

test(
  'a shortage of memory is told while it lasts',
  async (t, scope) => {
    const container = await shortOfMemory(scope)
    const events = container.events({ interval: 3_600_000, memoryPressure: { stall: 20, window: 2000 } })
    const { value } = await events.next()
    if (value?.type !== 'pressure') throw new Error('another event came first')
    t.equal(value.id, container.id)
    t.ok((value.data?.some.total ?? 0) > 0)
    await events.return()
    const refused = container.events({ memoryPressure: { stall: 3000, window: 2000 } })
    await t.rejects(refused.next(), { code: 'ERR_TSRUN_SYSCALL', errnoName: 'EINVAL' })
    await container.delete({ force: true })
  },
  { needs: ['tsrun', 'cgroup:memory'] },
)

test(
  'a container of cgroup v1 that is as short of memory as a level is told of; what cannot be told is refused',
  async (t, scope) => {
    const container = await shortOfMemory(scope)
    const events = container.events({ interval: 3_600_000, memoryPressure: { level: 'low' } })
    for (const time of ['first', 'again']) {
      const { value } = await events.next()
      t.same(value, { type: 'pressure', id: container.id, level: 'low' }, time)
    }
    // The one that is asked for may be told yet.
    const pending = events.next()
    await events.return()
    await pending
    t.match(await events.next(), { done: true })
    const both = container.events({ memoryPressure: { level: 'low', stall: 20 } })
    await t.rejects(both.next(), { code: 'ERR_TSRUN_USAGE', message: /a level, or stall and window/ })
    t.throws(() => container.events({ memoryPressure: wrong({ level: 'high' }) }), { code: 'ERR_TSRUN_USAGE' })
    await container.delete({ force: true })
    await t.rejects(container.events({ memoryPressure: { level: 'low' } }).next(), { code: 'ERR_TSRUN_NOT_FOUND' })
  },
  { needs: ['tsrun', 'cgroup:memory', 'cgroup-v1'] },
)
