/**
 * A program whose worker threads wait for containers and are ended meanwhile, in every state of a wait.
 * usage: ROOT BUNDLE PREFIX, the beginning of all ids
 */
import { isMainThread, parentPort, threadId, Worker, workerData } from 'node:worker_threads'
import { fileURLToPath } from 'node:url'
import { Runtime } from 'tsrun'

/** How far a worker goes before it is ended. */
const states = ['loaded', 'creating', 'waiting', 'event', 'exec', 'reading', 'ended', 'exits'] as const
type State = (typeof states)[number]

interface Work {
  readonly state: State
  readonly root: string
  readonly bundle: string
  readonly prefix: string
}

async function work({ state, root, bundle, prefix }: Work): Promise<void> {
  const runtime = new Runtime({ root })
  const ready = (): void => parentPort?.postMessage('ready')
  if (state === 'loaded') {
    ready()
    return
  }
  const creating = runtime.create(`${prefix}-${threadId}`, { bundle, stdio: ['ignore', 'pipe', 'inherit'] })
  if (state === 'creating') ready()
  const container = await creating
  await container.start()
  const waiting = container.wait()
  if (state === 'event') void container.events({ interval: 60_000 }).next()
  if (state === 'exec') void (await container.exec({ args: ['/bin/sleep', '1000'], stdio: 'ignore' })).wait()
  if (state === 'reading') container.stdout?.resume()
  if (state === 'ended') {
    await container.kill('KILL')
    await waiting
  }
  if (state === 'exits') process.exit(0)
  ready()
}

if (isMainThread) {
  const [root = '', bundle = '', prefix = ''] = process.argv.slice(2)
  for (const state of states) {
    const worker = new Worker(fileURLToPath(import.meta.url), {
      workerData: { state, root, bundle, prefix } satisfies Work,
    })
    const ended = new Promise((resolve) => worker.once('exit', resolve))
    await Promise.race([ended, new Promise((resolve) => worker.once('message', resolve))])
    await worker.terminate()
    await ended
  }
  // The main thread can still do everything: also with what the workers have left.
  const runtime = new Runtime({ root })
  const container = await runtime.create(`${prefix}-main`, { bundle, stdio: 'ignore' })
  await container.start()
  await container.kill('KILL')
  const exit = await container.wait()
  for (const { id } of (await runtime.list()).containers) await runtime.delete(id, { force: true })
  console.log(JSON.stringify({ states: states.length, code: exit.code, signal: exit.signal }))
} else await work(workerData as Work)
