// Keeps some containers alive: starts them again with more and more delay, asks for their health by exec, and prints
// what happens as lines of JSON. Ends, and ends them, by SIGTERM or SIGINT.
// usage: [PROBE=SCRIPT] node examples/supervisor.mjs COUNT ROOT COMMAND [ARGUMENT ...]
// PROBE runs in each container every second, by sh: with another status than 0, or after a second, it is killed.
import { setTimeout as delay } from 'node:timers/promises'
import { defaultConfig, Runtime } from 'tsrun'

const [count, root, ...args] = process.argv.slice(2)
const runtime = new Runtime({ root })
const config = defaultConfig({ rootfs: 'host', args, root })
const stopping = new AbortController()
const { signal } = stopping
for (const name of ['SIGTERM', 'SIGINT']) process.once(name, () => stopping.abort())

const backOff = { first: 100, most: 10_000, reset: 5_000 }
const healthEvery = 1000
const probe = ['sh', '-c', process.env.PROBE ?? 'true']
const tell = (id, event, more = {}) => console.log(JSON.stringify({ id, event, ...more }))

/** Resolves early, and without an error, when everything ends. */
const pause = (ms) => delay(ms, undefined, { signal }).catch(() => undefined)

/** A container without a good answer is killed, and so started again. */
async function watchHealth(container, ended) {
  for (;;) {
    await Promise.race([pause(healthEvery), ended])
    if (signal.aborted || (await container.state()).status === 'stopped') return
    if (await isHealthy(container)) continue
    if (signal.aborted || (await container.state()).status === 'stopped') return
    tell(container.id, 'unhealthy')
    await container.kill('SIGKILL').catch(() => undefined)
    return
  }
}

/** One that a probe cannot be added to, as it is paused, is not. */
async function isHealthy(container) {
  const added = await container.exec({ args: probe, stdio: 'ignore', timeout: 1000 }).catch(() => undefined)
  return (await added?.wait())?.code === 0
}

async function watchOom(container) {
  for await (const { type } of container.events({ interval: 60_000, signal }))
    if (type === 'oom') tell(container.id, 'oom')
}

/** One life of a container; how long it was, in milliseconds. */
async function live(id) {
  const container = await runtime.create(id, { bundle: config.root.path, config, stdio: 'ignore' })
  // Node.js 20 and 22 have no `await using`.
  try {
    await container.start()
    const began = performance.now()
    tell(id, 'started', { pid: (await container.state()).pid })
    const ended = container.wait({ signal }).catch(() => undefined)
    const [exit] = await Promise.all([ended, watchHealth(container, ended), watchOom(container).catch(() => undefined)])
    if (exit) tell(id, 'ended', { code: exit.code, signal: exit.signal, oom: exit.oom })
    return performance.now() - began
  } finally {
    await container[Symbol.asyncDispose]()
  }
}

async function supervise(id) {
  for (let wait = backOff.first; !signal.aborted;) {
    try {
      if ((await live(id)) > backOff.reset) wait = backOff.first
    } catch (error) {
      tell(id, 'failed', { message: error.message })
    }
    await pause(wait)
    wait = Math.min(2 * wait, backOff.most)
  }
  tell(id, 'stopped')
}

await Promise.all(Array.from({ length: Number(count) }, (_, index) => supervise(`supervised-${process.pid}-${index}`)))
