/** examples/: they do what they say. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'
import { projectRoot } from '../helpers/tools.js'

const needs = ['tsrun'] as const
const example = (name: string): string => join(projectRoot, 'examples', name)

/** Starts an example that goes on, and gives its lines. */
function start(
  scope: Scope,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): { child: ChildProcess; lines: AsyncIterator<string> } {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } })
  scope.defer(() => void child.kill('SIGKILL'))
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() }
}

/** What a supervisor tells. */
interface Told {
  readonly id: string
  readonly event: string
  readonly pid?: number
  readonly signal?: number
}

/** What has been told, and a wait until so many of an event have been. */
function events(lines: AsyncIterator<string>): {
  seen: Told[]
  until: (event: string, count: number) => Promise<void>
} {
  const seen: Told[] = []
  const until = async (event: string, count: number): Promise<void> => {
    while (seen.filter((one) => one.event === event).length < count) {
      const line = await lines.next()
      if (line.done) return
      seen.push(JSON.parse(line.value) as Told)
    }
  }
  return { seen, until }
}

/** The events of one run, by their names. */
async function submit(address: string, language: string, code: string): Promise<Record<string, unknown[]>> {
  const response = await fetch(`${address}run`, { method: 'POST', body: JSON.stringify({ language, code }) })
  const found: Record<string, unknown[]> = {}
  for (const [, event = '', data = ''] of (await response.text()).matchAll(/event: (.*)\ndata: (.*)\n\n/g)) {
    ;(found[event] ??= []).push(JSON.parse(data))
  }
  return found
}

test(
  'sandbox-server runs snippets, 32 at once, and tells their output, steps and end',
  async (t, scope) => {
    const { child, lines } = start(scope, [example('sandbox-server.mjs'), '0', scope.root])
    const address = String((await lines.next()).value)
    t.match(await (await fetch(address)).text(), /<title>Sandbox<\/title>/)
    const node = await submit(address, 'node', 'console.log(6 * 7); process.exitCode = 3')
    t.match(node, { stdout: ['42\n'], exit: [{ code: 3, oom: false, timedOut: false }] })
    t.match(node.step, [{ name: 'queued' }, { name: 'started' }, { name: 'ended' }])
    t.match(await submit(address, 'sh', 'echo bad >&2; kill -9 $$'), { stderr: ['bad\n'] })
    const wrong = await fetch(`${address}run`, { method: 'POST', body: '{"language":"constructor","code":""}' })
    t.equal(wrong.status, 400)
    let next = 0
    const outputs: unknown[] = []
    const worker = async (): Promise<void> => {
      for (let number = next++; number < 200; number = next++) {
        const { stdout } = await submit(address, 'sh', `echo ${number}`)
        outputs[number] = stdout?.join('')
      }
    }
    await Promise.all(Array.from({ length: 32 }, worker))
    t.same(
      outputs,
      outputs.map((_, number) => `${number}\n`),
    )
    t.equal(outputs.length, 200)
    child.kill('SIGTERM')
    t.same(await once(child, 'exit'), [0, null])
    t.same(scope.leftovers(), [])
  },
  { needs },
)

test(
  'ci-runner runs steps in a shared workspace, and ends with the status of the one that fails',
  (t, scope) => {
    const steps = scope.path('steps.yaml')
    const workspace = scope.path('workspace')
    mkdirSync(workspace)
    writeFileSync(
      steps,
      '# a comment\n- name: build\n  run: |\n    mkdir out\n    echo built > out/result\n- name: "test"\n  run: cat out/result\n- name: fail\n  run: exit 4\n- name: never\n  run: touch never\n',
    )
    const { status, stdout, stderr } = scope.runner.runProgram(process.execPath, [
      ...[example('ci-runner.mjs'), steps, workspace, scope.root],
    ])
    t.same({ status, stderr }, { status: 4, stderr: '' })
    t.match(
      stdout,
      /^=== build\n--- build: ok, .* s\n=== test\nbuilt\n--- test: ok, .* s\n=== fail\n--- fail: failed \(4\), .* s\n$/,
    )
    t.equal(readFileSync(join(workspace, 'out/result'), 'utf8'), 'built\n')
  },
  { needs },
)

test(
  'supervisor starts what has ended again, and ends what it has started',
  async (t, scope) => {
    const { child, lines } = start(scope, [example('supervisor.mjs'), '2', scope.root, 'sleep', '1000'])
    const { seen, until } = events(lines)
    await until('started', 2)
    const [first] = seen
    process.kill(first?.pid ?? 0, 'SIGKILL')
    await until('started', 3)
    t.match(
      seen.filter(({ id }) => id === first?.id),
      [{ event: 'started' }, { event: 'ended', signal: 9 }, { event: 'started' }],
    )
    child.kill('SIGTERM')
    await until('stopped', 2)
    t.same(await once(child, 'exit'), [0, null])
    t.same(scope.leftovers(), [])
  },
  { needs },
)

test(
  'supervisor kills what its probe finds sick, and what it cannot probe, and starts it again',
  async (t, scope) => {
    const env = { PROBE: 'test ! -e /tmp/sick' }
    const command = ['sh', '-c', 'touch /tmp/sick; exec sleep 1000']
    const { child, lines } = start(scope, [example('supervisor.mjs'), '1', scope.root, ...command], env)
    const { seen, until } = events(lines)
    await until('started', 2)
    t.match(seen, [{ event: 'started' }, { event: 'unhealthy' }, { event: 'ended', signal: 9 }, { event: 'started' }])
    child.kill('SIGTERM')
    await until('stopped', 1)
    t.same(await once(child, 'exit'), [0, null])

    const healthy = start(scope, [example('supervisor.mjs'), '1', scope.root, 'sleep', '1000'])
    const other = events(healthy.lines)
    await other.until('started', 1)
    t.equal(scope.runtime(['pause', other.seen[0]?.id ?? '']).status, 0)
    await other.until('started', 2)
    const told = other.seen.map(({ event }) => event)
    t.same(told, ['started', 'unhealthy', 'ended', 'started'])
    healthy.child.kill('SIGTERM')
    await other.until('stopped', 1)
    t.same(await once(healthy.child, 'exit'), [0, null])
    t.same(scope.leftovers(), [])
  },
  { needs },
)

test(
  'egress lets a program connect to the addresses that it is given, whatever else it tries',
  async (t, scope) => {
    const servers = [createServer((socket) => socket.end('hello\n')), createServer((socket) => socket.end('no\n'))]
    const ports: number[] = []
    for (const server of servers) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      scope.defer(() => void server.close())
      ports.push((server.address() as AddressInfo).port)
    }
    const [allowed = 0, other = 0] = ports
    const from = (port: number): string => `(exec 3<>/dev/tcp/127.0.0.1/${port} && cat <&3) 2>&1`
    const udp = `(echo x > /dev/udp/127.0.0.1/${allowed}) 2>&1`
    const args = [example('egress.mjs'), scope.root, `127.0.0.1:${allowed}`, 'bash', '-c']
    const child = spawn(process.execPath, [...args, `${from(allowed)}; ${from(other)}; ${udp}; exit 7`])
    const texts = [child.stdout, child.stderr].map((stream) => text(stream))
    t.same(await once(child, 'close'), [7, null])
    const [stdout, stderr] = await Promise.all(texts)
    t.match(stdout, /^hello\n.*Connection refused\n.*socket: Operation not permitted\n/s)
    t.notMatch(stdout, /^no$/m)
    t.equal(stderr, `refused: 127.0.0.1:${other}\n`)
    t.same(scope.leftovers(), [])
  },
  { needs: [...needs, 'x86-64'] },
)
