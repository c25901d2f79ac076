/** The library: system calls of a container that are decided in JavaScript. */
import { text } from 'node:stream/consumers'
import { Runtime, type Container, type SyscallCall, type SyscallHandler } from 'tsrun'
import { sleeper } from '../helpers/exec.js'
import { parseReport, tried, type Report } from '../helpers/probe.js'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'

const needs = ['tsrun', 'x86-64'] as const

/** A container whose mkdir(2) is decided; its warnings, and what the probe tells when it ends. */
async function supervised(
  scope: Scope,
  args: string[],
  mkdir: SyscallHandler,
): Promise<{ container: Container; report: () => Promise<Report>; warnings: string[] }> {
  const warnings: string[] = []
  const runtime = new Runtime({ root: scope.root, onWarning: (message) => warnings.push(message) })
  const { path } = scope.bundle((config) => (config.process.args = args))
  const stdio = ['ignore', 'pipe', 'inherit'] as const
  const container = await runtime.create(scope.newId(), { bundle: path, stdio, onSyscall: { mkdir } })
  const report = async (): Promise<Report> => parseReport(container.stdout ? await text(container.stdout) : '')
  return { container, report, warnings }
}

test(
  'a call can fail, give a value or a descriptor, or go on, by what its arguments say',
  async (t, scope) => {
    const seen: string[] = []
    const answers: Record<string, ReturnType<SyscallHandler>> = {
      ...{ '/errno': { errno: 'EDQUOT' }, '/number': { errno: 99 }, '/value': { value: 42 }, '/on': 'continue' },
      ...{ '/fd': { fd: 0 }, '/later': new Promise((resolve) => setImmediate(resolve, { errno: 'EROFS' })) },
    }
    const paths = Object.keys(answers)
    const { container, report, warnings } = await supervised(
      scope,
      ['/probe', ...paths.flatMap((path) => `mkdir ${path}`), 'stat /on'],
      async (call) => {
        t.equal(call.name, 'mkdir')
        t.equal(call.pid, (await container.state()).pid)
        const path = call.readText(call.args[0] ?? 0n)
        seen.push(path)
        return answers[path] ?? 'continue'
      },
    )
    await container.start()
    const found = await report()
    await container.wait()
    t.same(seen, paths)
    t.match(tried(found, 'mkdir /errno'), { error: 'EDQUOT' })
    t.match(tried(found, 'mkdir /number'), { errno: 99 })
    t.match(tried(found, 'mkdir /value'), { result: 42 })
    t.match(tried(found, 'mkdir /later'), { error: 'EROFS' })
    t.ok(tried(found, 'mkdir /fd').result >= 3, 'a descriptor of its own')
    t.match(tried(found, 'stat /on'), { type: 'directory' })
    t.same(warnings, [])
    await container.delete()
  },
  { needs },
)

test(
  'a handler that fails, or gives no answer, refuses the call, and says so',
  async (t, scope) => {
    let count = 0
    const { container, report, warnings } = await supervised(scope, ['/probe', 'mkdir /a', 'mkdir /b'], () => {
      if (count++ === 0) throw new Error('out of order')
      return undefined as never
    })
    await container.start()
    const found = await report()
    t.match([tried(found, 'mkdir /a').error, tried(found, 'mkdir /b').error], ['EPERM', 'EPERM'])
    await container.wait()
    t.match(warnings, [/mkdir of process \d+ is refused: out of order/, /is refused/])
    await container.delete()
  },
  { needs },
)

test(
  'nothing is read of a process whose call waits no more, nor where it has no memory',
  async (t, scope) => {
    let heard: (call: SyscallCall) => void = () => undefined
    let answer: (given: 'continue') => void = () => undefined
    const waiting = new Promise<SyscallCall>((resolve) => (heard = resolve))
    const { container, warnings } = await supervised(scope, ['/probe', 'mkdir /a'], (call) => {
      heard(call)
      return new Promise((resolve) => (answer = resolve))
    })
    await container.start()
    const ended = container.wait()
    const call = await waiting
    t.throws(() => call.read(1, 8), { code: 'ERR_TSRUN_SYSCALL', errnoName: 'EFAULT' })
    await t.rejects(call.connect(0, Uint8Array.of(1, 0, 0x2f)), {
      code: 'ERR_TSRUN_SYSCALL',
      errnoName: 'EAFNOSUPPORT',
    })
    await t.rejects(call.connect(99, Uint8Array.of(2, 0, 0, 1, 127, 0, 0, 1)), {
      code: 'ERR_TSRUN_SYSCALL',
      errnoName: 'EBADF',
    })
    await container.kill('SIGKILL')
    t.match(await ended, { signal: 9 })
    t.throws(() => call.read(call.args[0] ?? 0n, 8), { code: 'ERR_TSRUN_SYSCALL', errnoName: /ENOENT|ESRCH/ })
    answer('continue')
    await container.delete()
    t.same(warnings, [], 'an answer that comes too late is none')
  },
  { needs },
)

test(
  'processes that exec adds are decided by the same program, and by no other',
  async (t, scope) => {
    const { path } = scope.bundle(sleeper)
    const runtime = new Runtime({ root: scope.root })
    const id = scope.newId()
    const onSyscall = { mkdir: () => ({ errno: 'EDQUOT' }) }
    const container = await runtime.create(id, { bundle: path, stdio: 'ignore', onSyscall })
    await container.start()
    const args = ['/bin/busybox', 'mkdir', '/x']
    for (const handle of [container, await runtime.get(id)]) {
      const added = await handle.exec({ args, stdio: ['ignore', 'pipe', 'pipe'] })
      t.match(String((await added.output()).stderr), /Disk quota exceeded|quota/i)
    }
    const { status, stderr } = scope.runtime(['exec', id, ...args])
    t.equal(status, 255)
    t.match(stderr, /nobody decides the system calls/)
    await container.delete({ force: true })
  },
  { needs },
)

test(
  'what cannot be decided is refused by name',
  async (t, scope) => {
    const { path: bundle } = scope.bundle(sleeper)
    const runtime = new Runtime({ root: scope.root })
    const refused = async (onSyscall: object, message: RegExp): Promise<void> => {
      const options = { bundle, onSyscall: onSyscall as Record<string, SyscallHandler> }
      await t.rejects(runtime.create(scope.newId(), options), { message })
    }
    const handler = (): 'continue' => 'continue'
    await refused({ conect: handler }, /onSyscall/)
    await refused({ connect: 'continue' }, /onSyscall: must be functions/)
    await refused({ write: handler }, /cannot be used for the write syscall/)
  },
  { needs },
)
