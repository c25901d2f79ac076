/** The library: processes added to a container without blocking the event loop. */
import { closeSync, openSync, readFileSync } from 'node:fs'
import { Runtime, type Container } from 'tsrun'
import { running } from '../helpers/exec.js'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'

/** The container as the library sees it. */
const open = (scope: Scope): Promise<Container> => new Runtime({ root: scope.root }).get(running(scope).id)

/** Standard streams for a process: nothing in, a file out. */
function streams(scope: Scope): [number, number, number] {
  const input = openSync('/dev/null', 'r')
  const output = openSync(scope.path('out'), 'w')
  scope.defer(() => [input, output].forEach((fd) => closeSync(fd)))
  return [input, output, output]
}

test(
  'exec gives a handle with pid and exit status, and takes descriptors for the streams',
  async (t, scope) => {
    const container = await open(scope)
    const args = ['/bin/sh', '-c', 'echo $GREETING; exit 4']
    const added = await container.exec({ args, env: ['GREETING=hello'], stdio: streams(scope) })
    t.ok(added.pid > 0)
    t.same(await added.wait(), { code: 4, signal: null, timedOut: false })
    t.equal(readFileSync(scope.path('out'), 'utf8'), 'hello\n')
    t.equal(added.kill(9), false, 'it has ended')
  },
  { needs: ['tsrun'] },
)

test(
  'a handle kills, and many of them wait at the same time',
  async (t, scope) => {
    const container = await open(scope)
    const stdio = streams(scope)
    const added = await Promise.all(
      Array.from({ length: 10 }, () => container.exec({ args: ['/bin/sleep', '1000'], stdio })),
    )
    for (const one of added) t.equal(one.kill(9), true)
    t.same(
      await Promise.all(added.map((one) => one.wait())),
      added.map(() => ({ code: null, signal: 9, timedOut: false })),
    )
  },
  { needs: ['tsrun'] },
)

test(
  'with a terminal and no socket the handle has the terminal',
  async (t, scope) => {
    const container = await open(scope)
    const added = await container.exec({
      args: ['/bin/sh', '-c', 'echo shown; exec sleep 1000'],
      terminal: true,
      stdio: streams(scope),
    })
    // Alive until it is read: with the session's leader the kernel drops what is still on its way.
    for await (const text of added.terminal ?? []) {
      t.equal(String(text), 'shown\r\n')
      added.kill(9)
      break // which closes it
    }
    t.equal(added.terminal?.destroyed, true)
    t.same(await added.wait(), { code: null, signal: 9, timedOut: false })
  },
  { needs: ['tsrun'] },
)

test(
  'what cannot be started is an error with its code, and nothing is left of it',
  async (t, scope) => {
    const container = await open(scope)
    await t.rejects(container.exec({ args: ['nothing'] }), {
      code: 'ERR_TSRUN_SYSCALL',
      step: 'program',
      errnoName: 'ENOENT',
    })
    await t.rejects(container.exec({ process: { args: [], cwd: '/' } }), { code: 'ERR_TSRUN_CONFIG' })
    await container.kill(9)
    await container.wait()
    await t.rejects(container.exec({ args: ['/bin/true'] }), { code: 'ERR_TSRUN_STATUS', status: 'stopped' })
  },
  { needs: ['tsrun'] },
)
