/** podman as an ordinary user with subordinate ids. */
import assert from 'node:assert/strict'
import { runtimeName } from '../helpers/requires.js'
import { Features } from './support/feature.js'
import { image } from './support/podman.js'
import { RootlessPodman } from './support/rootless-podman.js'

const podman = new Features('podman without root', () => RootlessPodman.startFor())

podman.add('podman info tells that it is rootless, and names the runtime', async (podman) => {
  const info = await podman.ok('info', '--format', '{{.Host.Security.Rootless}} {{.Host.OCIRuntime.Name}}')
  // Podman calls a runtime by its path when it was named so.
  assert.equal(info.replace('/usr/sbin/', ''), `true ${runtimeName()}`)
})

podman.add('run: root inside is the user outside', async (podman) => {
  assert.equal(
    await podman.run(image, 'sh', '-c', 'id -u; cat /proc/self/uid_map'),
    ['0', '         0      54321          1', '         1     600000      65536'].join('\n'),
  )
})

for (const [status, ...args] of [
  [0, 'true'],
  [42, 'sh', '-c', 'exit 42'],
  [126, '/etc/passwd'],
  [127, 'no-such-program'],
] as const) {
  podman.add(`run: exit status ${status}`, async (podman) => {
    const { status: found } = await podman.command(['run', '--rm', '--network', 'none', image, ...args])
    assert.equal(found, status)
  })
}

podman.add('run --user: other users by subordinate ids', async (podman) => {
  assert.equal(await podman.run('--user', '5:6', image, 'sh', '-c', 'id -u; id -g'), '5\n6')
})

podman.add('run --userns=keep-id: the user inside too', async (podman) => {
  assert.equal(await podman.run('--userns', 'keep-id', image, 'id', '-u'), '54321')
})

podman.add('volumes belong to the user', async (podman) => {
  const volume = podman.name()
  await podman.run('-v', `${volume}:/data`, image, 'sh', '-c', 'echo kept > /data/file')
  assert.equal(await podman.run('-v', `${volume}:/data`, image, 'cat', '/data/file'), 'kept')
  await podman.ok('volume', 'rm', volume)
})

podman.add('exec: output, exit status, user', async (podman) => {
  const name = await podman.start()
  const { stdout } = await podman.command(['exec', '-i', name, 'rev'], { input: 'words\n' })
  assert.equal(stdout, 'sdrow\n')
  assert.equal(await podman.ok('exec', '--user', 'user', name, 'id', '-u'), '1000')
  assert.equal((await podman.command(['exec', name, 'sh', '-c', 'exit 3'])).status, 3)
})

podman.add('logs, wait, stop, kill', async (podman) => {
  const name = podman.name()
  await podman.ok('run', '-d', '--name', name, '--network', 'none', image, 'sh', '-c', 'echo out; exit 4')
  assert.equal(await podman.ok('wait', name), '4')
  assert.equal(await podman.ok('logs', name), 'out')
  const stopped = await podman.start()
  await podman.ok('stop', stopped)
  assert.equal(await podman.ok('inspect', '--format', '{{.State.ExitCode}}', stopped), '5')
  const killed = await podman.start()
  await podman.ok('kill', killed)
  assert.equal(await podman.ok('wait', killed), '137')
})

podman.add('build with a RUN step', async (podman) => {
  const file = podman.sandbox.write('build/Dockerfile', `FROM ${image}\nRUN echo built > /file\nCMD cat /file\n`)
  await podman.ok('build', '--network', 'none', '-t', 'built', '-f', file)
  assert.equal(await podman.run('built'), 'built')
})

podman.add(
  'run --network pasta: an interface beside lo',
  async (podman) => {
    const { status, stdout, stderr } = await podman.command([
      ...['run', '--rm', '--network', 'pasta', image, 'cat', '/proc/net/dev'],
    ])
    assert.equal(status, 0, stderr)
    assert.match(stdout, /^ *(?!lo)\w+:/m)
  },
  { hostLimit: /unable to find network with name or ID pasta/ },
)

podman.end()
