/** Docker Engine: images made from containers, built, and moved; the builders look for a program called runc. */
import assert from 'node:assert/strict'
import { Docker, image } from './support/docker.js'
import { Features } from './support/feature.js'

const docker = new Features('Docker images', () => Docker.start())

docker.add('overlay2: a union file system per container', async (docker) => {
  assert.equal(await docker.ok('info', '--format', '{{.Driver}}'), 'overlay2')
  assert.match(await docker.run(image, 'grep', ' / ', '/proc/mounts'), /^overlay \/ overlay rw/)
  await docker.run(image, 'rm', '/bin/vi')
  assert.equal(await docker.run(image, 'ls', '/bin/vi'), '/bin/vi')
})

docker.add('commit', async (docker) => {
  const name = docker.name()
  await docker.ok('run', '--name', name, image, 'sh', '-c', 'echo kept > /kept')
  await docker.ok('commit', '--change', 'CMD ["cat", "/kept"]', name, 'committed')
  assert.equal(await docker.run('committed'), 'kept')
})

docker.add('commit of a running container (which is paused meanwhile)', async (docker) => {
  const name = await docker.start()
  await docker.ok('exec', name, 'touch', '/made')
  await docker.ok('commit', name, 'running')
  assert.equal(await docker.run('running', 'ls', '/made'), '/made')
})

const dockerfile = `
FROM ${image}
ENV WORD=value
RUN echo "$WORD" > /file && id -u >> /file
RUN ["sh", "-c", "echo exec form >> /file"]
WORKDIR /home
USER user
RUN id -u > mine; pwd >> mine
CMD cat /file mine
`

for (const [builder, title] of [
  ['0', 'build: RUN steps (DOCKER_BUILDKIT=0)'],
  ['1', 'build: RUN steps by BuildKit, for which it is called runc'],
] as const) {
  docker.add(title, async (docker) => {
    docker.sandbox.write(
      'context/Dockerfile',
      dockerfile.replace('WORKDIR /home', 'WORKDIR /home\nRUN chown user /home'),
    )
    const args = ['build', '--no-cache', '-t', `built${builder}`, docker.sandbox.file('context')]
    const { status, stdout, stderr } = await docker.command(args, { env: { DOCKER_BUILDKIT: builder } })
    assert.equal(status, 0, stdout + stderr)
    assert.equal(await docker.run(`built${builder}`), 'value\n0\nexec form\n1000\n/home')
  })

  docker.add(`${title}: a step that fails`, async (docker) => {
    docker.sandbox.write('failing/Dockerfile', `FROM ${image}\nRUN exit 3\n`)
    const args = ['build', '--no-cache', docker.sandbox.file('failing')]
    const { status, stdout, stderr } = await docker.command(args, { env: { DOCKER_BUILDKIT: builder } })
    assert.notEqual(status, 0)
    assert.match(stdout + stderr, /returned a non-zero code: 3|exit code: 3/)
  })
}

docker.add('save and load, export and import', async (docker) => {
  const saved = docker.sandbox.file('saved.tar')
  await docker.ok('tag', image, 'tagged')
  await docker.ok('save', '-o', saved, 'tagged')
  await docker.ok('rmi', 'tagged')
  await docker.ok('load', '-i', saved)
  assert.equal(await docker.run('tagged', 'echo', 'loaded'), 'loaded')
  const name = docker.name()
  await docker.ok('run', '--name', name, image, 'touch', '/exported')
  await docker.ok('export', '-o', saved, name)
  await docker.ok('import', saved, 'imported')
  assert.equal(await docker.run('imported', 'ls', '/exported'), '/exported')
})

const registry = `
version: 0.1
storage: { filesystem: { rootdirectory: FOLDER } }
http: { addr: '127.0.0.1:5000' }
`

docker.add('push to and pull from a registry on loopback', async (docker) => {
  const { sandbox } = docker
  const config = sandbox.write('registry.yml', registry.replace('FOLDER', sandbox.file('registry')))
  await sandbox.daemon('docker-registry', ['serve', config], /listening on/)
  const name = '127.0.0.1:5000/pushed'
  await docker.ok('tag', image, name)
  await docker.ok('push', name)
  await docker.ok('rmi', name)
  await docker.ok('pull', name)
  assert.equal(await docker.run(name, 'echo', 'pulled'), 'pulled')
})

docker.end()
