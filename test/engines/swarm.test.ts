/** Docker's Swarm of two machines: two daemons in network namespaces that are joined by a veth. */
import assert from 'node:assert/strict'
import { Docker, image } from './support/docker.js'
import { Features, type Engine } from './support/feature.js'
import { steady } from './support/steady.js'

const addresses = ['10.97.0.1', '10.97.0.2'] as const
const replicas = 6

/** A manager and a worker, each with the runtime under test as default. */
class Swarm implements Engine {
  readonly manager: Docker
  readonly worker: Docker

  private constructor(manager: Docker, worker: Docker) {
    this.manager = manager
    this.worker = worker
  }

  static async start(): Promise<Swarm> {
    const [manager, worker] = [await Docker.start(), await Docker.start()]
    await manager.sandbox.connect(worker.sandbox, addresses)
    // A worker that is silent for three of these is taken for lost.
    const options = ['--dispatcher-heartbeat', '1s', '--advertise-addr', addresses[0], '--listen-addr', addresses[0]]
    await manager.ok('swarm', 'init', ...options)
    const token = await manager.ok('swarm', 'join-token', '--quiet', 'worker')
    await worker.ok('swarm', 'join', '--token', token, '--advertise-addr', addresses[1], `${addresses[0]}:2377`)
    return new Swarm(manager, worker)
  }

  /** Starts a service that has no port: routing ports needs IPVS, which not every kernel has. */
  async service(...args: string[]): Promise<void> {
    const times = ['--stop-grace-period', '0s', '--update-monitor', '10ms', '--restart-delay', '0s']
    const own = ['--detach=false', '--quiet', '--name', 'web', '--replicas', `${replicas}`, '--no-resolve-image']
    await this.manager.ok('service', 'create', ...own, ...times, ...args)
  }

  /** Waits until the replicas that are wanted run on these nodes and no other. @throws what there is instead, at last */
  async runsOn(...nodes: Docker[]): Promise<void> {
    const ids = await Promise.all(nodes.map((node) => node.ok('info', '--format', '{{.Swarm.NodeID}}')))
    const format = ['--no-resolve', '--format', '{{.Node}} {{.CurrentState}}']
    const args = ['--filter', 'desired-state=running', ...format, 'web']
    const limit = Date.now() + 120_000
    let tasks: string[]
    do {
      tasks = (await this.manager.ok('service', 'ps', ...args))
        .split('\n')
        .map((line) => /^\S* \w+/.exec(line)?.[0] ?? '')
      const seen = new Set(tasks)
      if (tasks.length === replicas && ids.every((id) => seen.delete(`${id} Running`)) && seen.size === 0) return
    } while (Date.now() < limit)
    assert.fail(`${replicas} are to run on ${ids.join(' and ')}: ${tasks.join(', ')}`)
  }

  /** Runtimes of the service's containers that a node has. */
  async runtimes(node: Docker): Promise<string[]> {
    const ids = (await node.ok('ps', '--quiet', '--filter', 'label=com.docker.swarm.service.name=web')).split('\n')
    return Promise.all(ids.filter(Boolean).map((id) => node.inspect(id, '.HostConfig.Runtime')))
  }

  async use(runtime: 'tested' | 'runc'): Promise<void> {
    for (const node of [this.manager, this.worker]) await node.use(runtime)
  }

  async clear(): Promise<void> {
    await this.manager.command(['service', 'rm', 'web'])
    for (const node of [this.worker, this.manager]) await node.clear()
  }

  async close(): Promise<string[]> {
    await this.worker.command(['swarm', 'leave', '--force'])
    await this.manager.command(['swarm', 'leave', '--force'])
    return [...(await this.worker.close()), ...(await this.manager.close())]
  }
}

const swarm = new Features('Docker Swarm', () => Swarm.start())

swarm.add('a machine is lost: all replicas run on the other; it comes back, and they run there', async (swarm) => {
  const { manager, worker } = swarm
  await swarm.service(image, 'sh', '-c', steady)
  await swarm.runsOn(manager, worker)
  const expected = new Array(replicas / 2).fill(manager.runtimeName)
  assert.deepEqual([await swarm.runtimes(manager), await swarm.runtimes(worker)], [expected, expected])

  await worker.lose()
  await swarm.runsOn(manager)
  assert.equal((await swarm.runtimes(manager)).length, replicas)

  await worker.comeBack()
  const id = await manager.ok('info', '--format', '{{.Swarm.NodeID}}')
  await manager.ok('node', 'update', '--availability', 'drain', id)
  await swarm.runsOn(worker)
  await manager.ok('node', 'update', '--availability', 'active', id)
  await manager.ok('service', 'update', '--detach=false', '--quiet', '--force', 'web')
  await swarm.runsOn(manager, worker)
})

swarm.add('an overlay network over both machines: a service is found and reached from the other', async (swarm) => {
  const { manager, worker } = swarm
  await manager.ok('network', 'create', '--driver', 'overlay', '--attachable', 'both')
  const id = await manager.ok('info', '--format', '{{.Swarm.NodeID}}')
  // A virtual address for the service would need IPVS too.
  const place = ['--constraint', `node.id==${id}`, '--network', 'both', '--endpoint-mode', 'dnsrr']
  await swarm.service(...place, image, 'httpd', '-f', '-h', '/www')
  const fetch = 'until wget -qO- http://web/ 2>/dev/null; do :; done'
  assert.equal(await worker.run('--network', 'both', image, 'sh', '-c', fetch), 'a page')
  await manager.ok('service', 'rm', 'web')
  await manager.clear()
  await manager.ok('network', 'rm', 'both')
})

swarm.end()
