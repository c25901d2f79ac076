/** The library: standard streams and terminals as streams of Node.js. */
import { createHash, randomBytes } from 'node:crypto'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { Runtime, type Container, type CreateOptions } from 'tsrun'
import { sleeper } from '../helpers/exec.js'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'

const needs = ['tsrun'] as const

/** A container that has started a program. */
async function start(scope: Scope, script: string, options: Partial<CreateOptions> = {}): Promise<Container> {
  const { path } = scope.bundle((config) => {
    config.process.args = ['/bin/sh', '-c', script]
    config.process.terminal = options.terminal !== undefined
  })
  const container = await new Runtime({ root: scope.root }).create(scope.newId(), { bundle: path, ...options })
  await container.start()
  return container
}

/** A container that does nothing, to add processes to. */
async function idle(scope: Scope): Promise<Container> {
  const { path } = scope.bundle(sleeper)
  const container = await new Runtime({ root: scope.root }).create(scope.newId(), { bundle: path, stdio: 'ignore' })
  await container.start()
  return container
}

test(
  'megabytes go through a container and come back, and each stream ends',
  async (t, scope) => {
    await using container = await start(scope, 'cat; echo done >&2', { stdio: 'pipe' })
    const data = randomBytes(8 << 20)
    const hash = createHash('sha256')
    const { stdin, stdout, stderr } = container
    if (!stdin || !stdout || !stderr) throw new Error('there are no pipes')
    const [, , words] = await Promise.all([
      pipeline(Readable.from([data]), stdin),
      pipeline(stdout, hash),
      text(stderr),
    ])
    t.equal(hash.digest('hex'), createHash('sha256').update(data).digest('hex'))
    t.equal(words, 'done\n')
    t.match(await container.wait(), { code: 0 })
  },
  { needs },
)

test(
  'a program that writes more than is read has to wait, and no more than is read is kept',
  async (t, scope) => {
    await using container = await start(scope, 'while echo line; do :; done; exit 4', {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const { stdout } = container
    if (!stdout) throw new Error('there is no pipe')
    await new Promise((resolve) => stdout.once('readable', resolve))
    const { pid } = await container.state()
    const asleep = (): boolean => readFileSync(`/proc/${pid}/wchan`, 'utf8').includes('pipe')
    while (!asleep()) await new Promise((resolve) => setImmediate(resolve))
    t.ok(stdout.readableLength <= 2 * 65536, 'what is kept is bounded')
    stdout.destroy()
    t.match(await container.wait(), { code: 4 }, 'without a reader it cannot write')
  },
  { needs },
)

test(
  'files, descriptors, other streams and nothing at all',
  async (t, scope) => {
    await using container = await idle(scope)
    const args = ['/bin/sh', '-c', 'cat; echo error >&2']
    writeFileSync(scope.path('in'), 'from a file\n')
    const toFiles = await container.exec({
      args,
      stdio: [{ file: scope.path('in') }, { file: scope.path('out') }, { file: scope.path('out'), append: true }],
    })
    t.match(await toFiles.wait(), { code: 0 })
    t.equal(readFileSync(scope.path('out'), 'utf8'), 'from a file\nerror\n')
    const both = new PassThrough()
    const joined = text(both)
    const fd = openSync(scope.path('in'), 'r')
    await container.exec({ args, stdio: [fd, both, both] })
    closeSync(fd)
    t.equal(await joined, 'from a file\nerror\n', 'two streams to one target keep their order')
    const fed = await container.exec({ args, stdio: [Readable.from(['from a ', 'stream\n']), 'pipe', 'ignore'] })
    const { stdout, stderr, exit } = await fed.output()
    t.same([String(stdout), String(stderr), exit], ['from a stream\n', '', { code: 0, signal: null, timedOut: false }])
    const much = await container.exec({
      args: ['/bin/sh', '-c', 'head -c 100000 /dev/zero; exit 2'],
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const cut = await much.output({ maxBuffer: 1000 })
    t.match(cut, { cut: { stdout: true, stderr: false }, exit: { code: 2 } })
    t.equal(cut.stdout.length, 1000)
  },
  { needs },
)

test(
  'a terminal is a duplex of the size that is asked for, and can be resized',
  async (t, scope) => {
    const container = await start(scope, 'busybox stty size; read line; busybox stty size; echo "<$line>"; cat', {
      terminal: { cols: 100, rows: 30 },
    })
    const { terminal } = container
    if (!terminal) throw new Error('there is no terminal')
    let seen = ''
    const shown = (part: string): Promise<void> =>
      new Promise((resolve) => {
        const look = (chunk?: Buffer): void => {
          seen += String(chunk ?? '')
          if (!seen.includes(part)) return
          terminal.off('data', look)
          resolve()
        }
        terminal.on('data', look)
        look()
      })
    await shown('30 100\r\n')
    terminal.resize({ cols: 7, rows: 5 })
    terminal.write('hello\n')
    await shown('5 7\r\n<hello>\r\n')
    terminal.end() // ^D, which ends cat
    terminal.resume()
    t.match(await container.wait(), { code: 0 })
    await using other = await idle(scope)
    const added = await other.exec({ args: ['/bin/busybox', 'stty', 'size'], terminal: { cols: 33, rows: 11 } })
    if (!added.terminal) throw new Error('there is no terminal')
    t.match(await text(added.terminal), '11 33\r\n')
    await container.delete()
  },
  { needs },
)

test(
  'time-outs and signals end a process by the signal that is asked for',
  async (t, scope) => {
    const container = await idle(scope)
    const args = ['/bin/sh', '-c', 'trap "exit 5" TERM; while :; do sleep 0.01; done']
    const late = await container.exec({ args: ['/bin/sleep', '1000'], stdio: 'ignore', timeout: 50 })
    t.same(await late.wait(), { code: null, signal: 9, timedOut: true })
    const controller = new AbortController()
    const told = await container.exec({
      args: ['/bin/sh', '-c', `echo; ${args[2] ?? ''}`.replace('echo;', 'trap "exit 5" TERM; echo;')],
      stdio: ['ignore', 'pipe', 'ignore'],
      signal: controller.signal,
      killSignal: 'SIGTERM',
    })
    told.stdout?.once('data', () => controller.abort())
    t.same(await told.wait(), { code: 5, signal: null, timedOut: false })
    await t.rejects(container.exec({ args, signal: controller.signal }), { name: 'AbortError' })
    await container.delete({ force: true })
    const short = await start(scope, 'sleep 1000', { stdio: 'ignore', timeout: 100 })
    t.match(await short.wait(), { signal: 9, timedOut: true })
    await short.delete()
  },
  { needs },
)
