/** Command: events, and the same in the library. */
import { Runtime, type ContainerEvent, type ContainerStats } from 'tsrun'
import { readFileSync } from 'node:fs'
import type { Change } from '../helpers/config.js'
import { ended, Lines } from '../helpers/runtime.js'
import { test } from '../helpers/test.js'

const waits: Change = (config) => {
  config.process.args = ['/probe', 'wait']
}

/** Uses up its memory in a child whenever a line comes, and says so when that has been killed. */
const greedy: Change = (config) => {
  config.process.args = ['/bin/sh', '-c', 'echo ready; while read _; do busybox tail /dev/zero; echo killed; done']
  config.linux.resources = { memory: { limit: 8 << 20, swap: 8 << 20 } }
}

interface Line {
  readonly type: string
  readonly id: string
  readonly data?: ContainerStats
}

const parse = (line: string | undefined): Line => JSON.parse(line ?? 'null') as Line

test('events --stats prints the numbers of this moment and exits', async (t, scope) => {
  const container = scope.container((config) => {
    waits(config)
    config.linux.resources = { memory: { limit: 64 << 20 }, pids: { limit: 20 } }
  })
  container.create()
  container.start()
  const { status, stdout, stderr } = scope.runtime(['events', '--stats', container.id])
  t.same({ status, stderr }, { status: 0, stderr: '' })
  t.match(stdout, /^[^\n]+\n$/)
  const { type, id, data } = parse(stdout)
  t.same([type, id], ['stats', container.id])
  t.equal(data?.memory.usage.limit, 64 << 20)
  t.ok(Number(data?.memory.usage.usage) > 4096)
  t.match(data?.pids, { current: 1, limit: 20 })
  t.type(data?.cpu.usage, 'object')
  t.ok(data?.network_interfaces === null)
})

test(
  'what a container without limits uses is counted too',
  (t, scope) => {
    const container = scope.container(waits)
    container.run(['--detach'])
    const { data } = parse(scope.runtime(['events', '--stats', container.id]).stdout)
    t.ok(Number(data?.memory.usage.usage) > 4096)
    t.equal(data?.pids.current, 1)
  },
  { needs: ['cgroup:memory'] },
)

test('events tells statistics after every interval, and ends when the container does', async (t, scope) => {
  const container = scope.container((config) => {
    config.process.args = ['/bin/sh', '-c', 'while :; do :; done']
  })
  container.create()
  container.start()
  const child = scope.runner.spawn(['events', '--interval', '20ms', container.id])
  const lines = new Lines(child.stdout)
  const total = async (): Promise<number> => {
    const { type, data } = parse(await lines.next())
    t.equal(type, 'stats')
    return Number(data?.cpu.usage.total ?? 0)
  }
  const first = await total()
  // User-mode Linux counts CPU time in ticks.
  while ((await total()) <= first);
  t.pass('the CPU time grows')
  container.kill('KILL')
  t.same(await ended(child), { status: 0, signal: null })
})

test('an OOM kill is told when it happens, each time', async (t, scope) => {
  const container = scope.container(greedy)
  const child = container.spawn('run')
  const said = new Lines(child.stdout)
  t.equal(await said.next(), 'ready')
  const events = scope.runner.spawn(['events', '--interval', '1h', container.id])
  const lines = new Lines(events.stdout)
  await listening(events.pid ?? 0)
  for (let count = 0; count < 2; count++) {
    child.stdin?.write('\n')
    t.equal(await said.next(), 'killed')
    t.equal(await lines.next(), JSON.stringify({ type: 'oom', id: container.id }))
  }
  container.kill('KILL')
  t.same(await ended(events), { status: 0, signal: null })
  await ended(child)
})

test(
  'there are no more OOM events than kills, however many processes want memory at once',
  async (t, scope) => {
    const many =
      'echo ready; read _; for i in 1 2 3 4 5 6 7 8; do busybox dd if=/dev/zero of=/dev/null bs=64M count=1 & done; wait'
    const container = scope.container((config) => {
      config.process.args = ['/bin/sh', '-c', many]
      config.linux.resources = { memory: { limit: 16 << 20, swap: 16 << 20 } }
    })
    const child = container.spawn('run')
    const said = new Lines(child.stdout)
    t.equal(await said.next(), 'ready')
    const events = (await new Runtime({ root: scope.root }).get(container.id)).events({ interval: 20 })
    t.match(await events.next(), { value: { type: 'stats' } }, 'they are listened to')
    child.stdin?.write('\n')
    let count = 0
    for await (const { type } of events) if (type === 'oom') count++
    t.ok(count >= 1 && count <= 8, `${count} events`)
    await ended(child)
  },
  { needs: ['tsrun', 'cgroup:memory'] },
)

/** Resolves when a process sleeps in poll(2) or epoll: the command has set everything up then. */
async function listening(pid: number): Promise<void> {
  while (!/poll/.test(readFileSync(`/proc/${pid}/wchan`, 'utf8'))) await new Promise(setImmediate)
}

test('an interval that is none, and a container that has stopped, are errors', (t, scope) => {
  const container = scope.container((config) => {
    config.process.args = ['/bin/true']
  })
  container.complete()
  const interval = /duration interval must be greater than 0/
  t.match(scope.runtime(['events', '--interval', '0', container.id]), { status: 1, stdout: '', stderr: interval })
  t.match(scope.runtime(['events', '--interval', '-1s', container.id]), { status: 1, stderr: interval })
  t.match(scope.runtime(['events', '--interval', '5', container.id]), { status: 1, stderr: /invalid value "5"/ })
  const stopped = new RegExp(`container with id ${container.id} is not running`)
  t.match(scope.runtime(['events', container.id]), { status: 1, stdout: '', stderr: stopped })
  t.match(scope.runtime(['events', '--stats', container.id]), { status: 1, stdout: '', stderr: stopped })
})

test(
  'the library has events as an async iterator, and leaves nothing open',
  async (t, scope) => {
    const container = scope.container(waits)
    container.create()
    container.start()
    const handle = await new Runtime({ root: scope.root }).get(container.id)
    t.same(await handle.processes(), [container.state().pid])
    t.type((await handle.stats()).cpu.usage, 'object')
    await handle.pause()
    t.equal((await handle.state()).status, 'paused')
    await handle.resume()
    const seen: ContainerEvent['type'][] = []
    for await (const event of handle.events({ interval: 5 })) {
      seen.push(event.type)
      if (seen.length === 2) break
    }
    t.same(seen, ['stats', 'stats'])
    for await (const { type } of handle.events({ interval: 5 })) {
      if (type === 'stats' && seen.length++ === 2) container.kill('KILL')
    }
    t.pass('the loop ends with the container')
    await t.rejects(handle.events().next(), { code: 'ERR_TSRUN_STATUS' })
    await t.rejects(handle.events({ interval: 0 }).next(), { code: 'ERR_TSRUN_USAGE' })
  },
  { needs: ['tsrun'] },
)
