/** The library: what an AbortSignal ends, and where there is none. */
import { existsSync } from 'node:fs'
import { Runtime, type Container } from 'tsrun'
import type { Change } from '../helpers/config.js'
import type { Scope } from '../helpers/scope.js'
import { stoppedHook } from '../helpers/stopped-hook.js'
import { test } from '../helpers/test.js'

const needs = ['tsrun'] as const
const reason = new Error('the caller has gone')

function create(scope: Scope, change: Change, signal?: AbortSignal): Promise<Container> {
  const { path } = scope.bundle(change)
  const options = signal === undefined ? {} : { signal }
  return new Runtime({ root: scope.root }).create(scope.newId(), { bundle: path, stdio: 'ignore', ...options })
}

const sleeps: Change = (config) => (config.process.args = ['/bin/sleep', '1000'])

test(
  'a signal ends a start whose hook does not end, and kills the container',
  async (t, scope) => {
    const stopped = stoppedHook(scope)
    const container = await create(scope, (config) => {
      config.process.args = ['/bin/sleep', '1000']
      config.hooks = { poststart: [stopped.hook] }
    })
    const aborter = new AbortController()
    const starting = container.start({ signal: aborter.signal })
    await stopped.whenReached()
    aborter.abort(reason)
    await t.rejects(starting, reason)
    t.match(await container.wait(), { code: null, signal: 9 })
    await stopped.letGo()
    await container.delete({ force: true })
  },
  { needs },
)

test(
  'nothing is started or removed for a signal that is aborted already, that of create too',
  async (t, scope) => {
    const aborter = new AbortController()
    const container = await create(scope, sleeps, aborter.signal)
    const over = AbortSignal.abort(reason)
    await t.rejects(container.start({ signal: over }), reason)
    t.equal((await container.state()).status, 'created')
    aborter.abort(reason)
    await t.rejects(container.start(), reason)
    t.equal((await container.state()).status, 'created')
    await t.rejects(container.delete({ force: true, signal: over }), reason)
    t.equal((await container.state()).status, 'created')
    await container.delete({ force: true })
    await t.rejects(create(scope, sleeps, over), reason)
  },
  { needs },
)

test(
  'a signal that is aborted while a container is made leaves none',
  async (t, scope) => {
    const stopped = stoppedHook(scope)
    const aborter = new AbortController()
    const creating = create(scope, (config) => (config.hooks = { createRuntime: [stopped.hook] }), aborter.signal)
    await stopped.whenReached()
    aborter.abort(reason)
    await stopped.letGo()
    await t.rejects(creating, reason)
    t.same((await new Runtime({ root: scope.root }).list()).containers, [])
  },
  { needs },
)

test(
  'a signal ends the wait for a removal, which goes on',
  async (t, scope) => {
    const stopped = stoppedHook(scope)
    const container = await create(scope, (config) => (config.hooks = { poststop: [stopped.hook] }))
    const aborter = new AbortController()
    const removing = container.delete({ force: true, signal: aborter.signal })
    await stopped.whenReached()
    aborter.abort(reason)
    await t.rejects(removing, reason)
    await stopped.letGo()
    // It waits for what the removal holds.
    await container.delete({ force: true })
    await t.rejects(container.state(), { code: 'ERR_TSRUN_NOT_FOUND' })
    t.notOk(existsSync(`${scope.root}/${container.id}`))
  },
  { needs },
)

test(
  'kill and checkpoint take no signal, and say so',
  async (t, scope) => {
    const container = await create(scope, sleeps)
    const { signal } = new AbortController()
    const refused = { code: 'ERR_TSRUN_USAGE', message: /unknown member "signal"/ }
    await t.rejects(container.kill('TERM', { signal } as never), refused)
    await t.rejects(container.checkpoint({ imagePath: scope.folder, signal } as never), refused)
    await container.delete({ force: true })
  },
  { needs },
)
