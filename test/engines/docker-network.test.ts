/** Docker Engine: networks between containers, ports, and clusters of services on one machine. */
import assert from 'node:assert/strict'
import { Docker, image } from './support/docker.js'
import { Features } from './support/feature.js'

const docker = new Features('Docker network', () => Docker.start())

const server = ['httpd', '-f', '-h', '/www']
const fetch = (host: string): string[] => ['wget', '-qO-', `http://${host}/`]
/** Until the server listens. */
const fetchAtLast = (host: string): string[] => ['sh', '-c', `until ${fetch(host).join(' ')} 2>/dev/null; do :; done`]

docker.add('default bridge: two containers talk', async (docker) => {
  const name = docker.name()
  await docker.ok('run', '-d', '--name', name, image, ...server)
  const address = await docker.inspect(name, '.NetworkSettings.IPAddress')
  assert.equal(await docker.run(image, ...fetchAtLast(address)), 'a page')
  assert.equal(await docker.run('--link', `${name}:server`, image, ...fetchAtLast('server')), 'a page')
})

docker.add('a network of its own, containers known by name', async (docker) => {
  await docker.ok('network', 'create', 'own')
  await docker.ok('run', '-d', '--name', 'server', '--network', 'own', image, ...server)
  assert.equal(await docker.run('--network', 'own', image, ...fetchAtLast('server')), 'a page')
  await docker.ok('rm', '-f', 'server')
  await docker.ok('network', 'rm', 'own')
})

docker.add('--network=container:', async (docker) => {
  const name = docker.name()
  await docker.ok('run', '-d', '--name', name, image, ...server)
  assert.equal(await docker.run(`--network=container:${name}`, image, ...fetchAtLast('127.0.0.1')), 'a page')
})

docker.add('--network=none, --network=host', async (docker) => {
  assert.equal(await docker.run('--network=none', image, 'ls', '/sys/class/net'), 'lo')
  const { stdout } = await docker.sandbox.run('cat', ['/proc/net/dev'])
  const inside = await docker.run('--network=host', image, 'cat', '/proc/net/dev')
  const names = (text: string): string[] => [...text.matchAll(/^ *(docker\w+|lo):/gm)].map(([, name]) => name ?? '')
  assert.deepEqual(names(inside), names(stdout))
})

docker.add('--publish', async (docker) => {
  await docker.ok('run', '-d', '-p', '127.0.0.1:8080:80', image, ...server)
  assert.equal(await docker.run('--network=host', image, ...fetchAtLast('127.0.0.1:8080')), 'a page')
})

docker.add('--add-host, --dns, --mac-address, --ip', async (docker) => {
  await docker.ok('network', 'create', '--subnet', '10.99.0.0/24', 'fixed')
  const options = ['--network', 'fixed', '--ip', '10.99.0.7', '--mac-address', '02:00:00:00:00:07']
  const script = 'ip addr show eth0; cat /etc/hosts'
  const text = await docker.run(...options, '--add-host', 'other:10.1.2.3', image, 'sh', '-c', script)
  for (const part of ['10.99.0.7/24', '02:00:00:00:00:07', '10.1.2.3\tother']) assert.ok(text.includes(part), part)
  await docker.ok('network', 'rm', 'fixed')
})

docker.add('network connect and disconnect while it runs', async (docker) => {
  const name = await docker.start()
  await docker.ok('network', 'create', 'later')
  await docker.ok('network', 'connect', 'later', name)
  assert.match(await docker.ok('exec', name, 'ls', '/sys/class/net'), /eth0\neth1/)
  await docker.ok('network', 'disconnect', 'later', name)
  assert.doesNotMatch(await docker.ok('exec', name, 'ls', '/sys/class/net'), /eth1/)
  await docker.ok('network', 'rm', 'later')
})

const composition = `
version: '3'
services:
  server:
    image: ${image}
    command: httpd -f -h /www
    stop_signal: SIGKILL
    healthcheck: { test: wget -qO- http://127.0.0.1/, interval: 1s }
  client:
    image: ${image}
    depends_on: [server]
    command: sh -c "until wget -qO- http://server/ 2>/dev/null; do :; done; exec cat"
    stdin_open: true
    stop_signal: SIGKILL
`

docker.add('docker-compose up and down of two services', async (docker) => {
  const file = docker.sandbox.write('composed/docker-compose.yml', composition)
  const compose = async (...args: string[]): Promise<string> => {
    const { status, stdout, stderr } = await docker.sandbox.run('docker-compose', ['-f', file, ...args], {
      env: docker.environment,
      cwd: docker.sandbox.file('composed'),
    })
    assert.equal(status, 0, `docker-compose ${args.join(' ')}: ${stderr}`)
    return stdout
  }
  await compose('up', '-d')
  const client = (await compose('ps', '-q', 'client')).trim()
  const fetched = 'until docker logs "$1" 2>&1 | grep "a page"; do :; done'
  const { stdout } = await docker.sandbox.run('sh', ['-c', fetched, 'sh', client], { env: docker.environment })
  assert.equal(stdout, 'a page\n')
  assert.equal(await compose('exec', '-T', 'client', 'echo', 'inside'), 'inside\n')
  await compose('up', '-d', '--scale', 'server=2')
  assert.equal((await compose('ps', '-q')).trim().split('\n').length, 3)
  await compose('down')
  assert.equal(await docker.ok('ps', '-aq'), '')
})

docker.add('swarm: a service with three replicas, scaled to four', async (docker) => {
  await docker.ok('swarm', 'init', '--advertise-addr', '127.0.0.1')
  try {
    const service = ['--name', 'web', '--replicas', '3', '--update-monitor', '10ms', '--stop-grace-period', '0s']
    await docker.ok('service', 'create', '--detach=false', '--quiet', ...service, image, ...server)
    await docker.ok('service', 'scale', 'web=4')
    const tasks = ['service', 'ps', '--filter', 'desired-state=running', '--format', '{{.CurrentState}}', 'web']
    assert.deepEqual((await docker.ok(...tasks)).match(/^\w+/gm), ['Running', 'Running', 'Running', 'Running'])
    await docker.ok('service', 'rm', 'web')
  } finally {
    await docker.ok('swarm', 'leave', '--force')
  }
})

docker.end()
