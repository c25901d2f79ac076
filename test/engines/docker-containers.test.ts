/** Docker Engine: what is done with a container while it runs and afterwards. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { ended, Lines } from '../helpers/runtime.js'
import { entries } from './support/leftovers.js'
import { Docker, image } from './support/docker.js'
import { Features } from './support/feature.js'
import { prompt, Terminal } from './support/terminal.js'

const docker = new Features('Docker containers', () => Docker.start())

docker.add('run -it under a real terminal', async (docker) => {
  const command = `docker run -it --rm --name terminal --hostname box ${image} sh`
  const terminal = await Terminal.open(docker.sandbox, command, docker.environment)
  try {
    await terminal.shows(prompt)
    // Engines set the size some time after the start.
    await terminal.type('tty; until stty size 2>/dev/null | grep .; do :; done')
    await terminal.shows(/\/dev\/pts\/0\r\n30 100\r\n/)
    await terminal.shows(prompt)
    await terminal.resize(80, 20)
    await terminal.type('until stty size | grep 20; do :; done; read word; echo $word | tr a-z A-Z')
    await terminal.shows(/20 80\r\n/)
    await terminal.type('said')
    await terminal.shows(/SAID\r\n/)
    await terminal.shows(prompt)
    // The key belongs to the program only once that has the terminal.
    await terminal.type('sh -c "echo sleep""ing; exec sleep 1000"')
    await terminal.shows(/sleeping\r\n/)
    await terminal.press('C-c')
    await terminal.shows(prompt)
    await terminal.type('id; exit 7')
    await terminal.shows(/ended with 7/)
    if (process.env.SHOW_SCREEN) console.error(await terminal.screen())
  } finally {
    await terminal.close()
  }
})

docker.add('exec -it under a real terminal', async (docker) => {
  const name = await docker.start()
  const terminal = await Terminal.open(docker.sandbox, `docker exec -it ${name} sh`, docker.environment)
  try {
    await terminal.shows(prompt)
    await terminal.type('tty; exit 9')
    await terminal.shows(/\/dev\/pts\/0\r\n/)
    await terminal.shows(/ended with 9/)
  } finally {
    await terminal.close()
  }
})

docker.add('exec: output, input, exit status, user, environment, folder', async (docker) => {
  const name = await docker.start()
  const { stdout } = await docker.command(['exec', '-i', name, 'rev'], { input: 'words' })
  assert.equal(stdout.trim(), 'sdrow')
  const options = ['--user', 'user', '--env', 'WORD=value', '--workdir', '/tmp']
  assert.equal(await docker.ok('exec', ...options, name, 'sh', '-c', 'id -u; echo $WORD; pwd'), '1000\nvalue\n/tmp')
  assert.equal((await docker.command(['exec', name, 'sh', '-c', 'exit 3'])).status, 3)
})

docker.add('exec: exit status 126 or 127 for what cannot be run', async (docker) => {
  const name = await docker.start()
  const missing = await docker.command(['exec', name, 'no-such-program'])
  assert.match(missing.stdout + missing.stderr, /executable file not found|no such file or directory/)
  assert.ok([126, 127].includes(missing.status))
  assert.equal((await docker.command(['exec', name, '/etc/passwd'])).status, 126)
})

docker.add('exec -d', async (docker) => {
  const name = await docker.start()
  await docker.ok('exec', name, 'mkfifo', '/tmp/fifo')
  await docker.ok('exec', '-d', name, 'sh', '-c', 'echo done > /tmp/fifo')
  assert.equal(await docker.ok('exec', name, 'cat', '/tmp/fifo'), 'done')
})

docker.add(
  'exec --privileged',
  async (docker) => {
    const name = await docker.start()
    const mayMount = async (...options: string[]): Promise<boolean> => {
      const line = await docker.ok('exec', ...options, name, 'grep', 'CapEff', '/proc/self/status')
      return ((BigInt(`0x${line.split('\t')[1]}`) >> 21n) & 1n) === 1n
    }
    assert.deepEqual([await mayMount(), await mayMount('--privileged')], [false, true])
  },
  { hostLimit: /unable to apply caps: operation not permitted/ },
)

docker.add('20 exec at once', async (docker) => {
  const name = await docker.start()
  const all = Array.from({ length: 20 }, (_, i) => docker.ok('exec', name, 'echo', `${i}`))
  assert.deepEqual(
    await Promise.all(all),
    Array.from({ length: 20 }, (_, i) => `${i}`),
  )
})

docker.add('attach', async (docker) => {
  const name = docker.name()
  await docker.ok('run', '-di', '--name', name, image, 'sh', '-c', 'read word; echo "$word back"; exec sleep 1000')
  const child = docker.sandbox.spawn('docker', ['attach', name], { env: docker.environment })
  child.stdin!.write('word\n')
  assert.equal(await new Lines(child.stdout).next(), 'word back')
  await docker.ok('kill', name)
  assert.equal((await ended(child)).status, 137)
})

docker.add('logs, logs -f', async (docker) => {
  const name = docker.name()
  const script = 'echo first; echo second >&2; read word; echo $word'
  await docker.ok('run', '-di', '--name', name, image, 'sh', '-c', script)
  const follow = docker.command(['logs', '-f', name])
  const child = docker.sandbox.spawn('docker', ['attach', name], { env: docker.environment })
  child.stdin!.write('third\n')
  const { stdout, stderr } = await follow
  assert.deepEqual([stdout, stderr], ['first\nthird\n', 'second\n'])
  assert.equal((await docker.command(['logs', '--tail', '1', name])).stdout, 'third\n')
  await ended(child)
})

docker.add('stop: TERM first, KILL after the time', async (docker) => {
  const obedient = await docker.start()
  await docker.ok('stop', obedient)
  assert.equal(await docker.inspect(obedient, '.State.ExitCode'), '5')
  const stubborn = docker.name()
  await docker.ok('run', '-d', '--name', stubborn, image, 'sleep', '1000')
  await docker.ok('stop', '-t', '1', stubborn)
  assert.equal(await docker.inspect(stubborn, '.State.ExitCode'), '137')
})

docker.add('kill, kill -s', async (docker) => {
  const name = await docker.start()
  const waiting = docker.ok('wait', name)
  await docker.ok('kill', '-s', 'TERM', name)
  assert.equal(await waiting, '5')
  await docker.ok('start', name)
  await docker.ok('kill', name)
  assert.equal(await docker.ok('wait', name), '137')
})

docker.add('start again, restart', async (docker) => {
  const name = docker.name()
  await docker.ok('run', '--name', name, image, 'sh', '-c', 'echo x >> /count; wc -l < /count')
  assert.equal(await docker.ok('start', '-a', name), '2')
  await docker.ok('restart', name)
  assert.equal(await docker.ok('wait', name), '0')
  assert.equal(await docker.ok('logs', '--tail', '1', name), '3')
})

docker.add('pause, unpause', async (docker) => {
  const name = await docker.start()
  await docker.ok('pause', name)
  assert.equal(await docker.inspect(name, '.State.Status'), 'paused')
  const refused = await docker.command(['exec', name, 'true'])
  assert.match(refused.stderr, /is paused/)
  await docker.ok('unpause', name)
  assert.equal(await docker.ok('exec', name, 'echo', 'again'), 'again')
})

docker.add('stop and kill of a paused container', async (docker) => {
  const name = await docker.start()
  await docker.ok('pause', name)
  await docker.ok('rm', '-f', name)
})

docker.add('top', async (docker) => {
  const name = await docker.start()
  await docker.ok('exec', '-d', name, 'sleep', '2000')
  assert.match(
    await docker.ok('top', name, '-o', 'pid,args'),
    /sleep 1000(.|\n)*sleep 2000|sleep 2000(.|\n)*sleep 1000/,
  )
})

docker.add('stats', async (docker) => {
  const name = await docker.start('--memory', '64m', '--network', 'none')
  const format = '{{.Name}} {{.MemUsage}} {{.PIDs}}'
  const stats = await docker.ok('stats', '--no-stream', '--format', format, name)
  assert.match(stats, new RegExp(`^${name} [1-9][0-9.]*[KM]iB / 64MiB 2$`))
})

docker.add('--restart', async (docker) => {
  const name = docker.name()
  // The network's end is what the next start may find still busy.
  const options = ['-d', '--name', name, '--restart', 'on-failure:2', '--network', 'none']
  await docker.ok('run', ...options, image, 'sh', '-c', 'echo tried; exit 3')
  await docker.seen(name, 'die', { times: 3 })
  assert.equal(await docker.ok('logs', name), 'tried\ntried\ntried')
  assert.equal(await docker.inspect(name, '.RestartCount'), '2')
})

docker.add('health checks: exec every second', async (docker) => {
  const name = docker.name()
  const check = ['--health-cmd', 'test -e /tmp/well', '--health-interval', '1s', '--health-retries', '1']
  await docker.ok('run', '-d', '--name', name, ...check, image, 'sh', '-c', 'touch /tmp/well; sleep 1000')
  await docker.seen(name, 'health_status: healthy')
  await docker.ok('exec', name, 'rm', '/tmp/well')
  await docker.seen(name, 'health_status: unhealthy')
})

docker.add('cp, diff, rename', async (docker) => {
  const name = await docker.start()
  await docker.ok('cp', docker.sandbox.write('copied', 'text'), `${name}:/tmp/copied`)
  assert.equal(await docker.ok('exec', name, 'cat', '/tmp/copied'), 'text')
  assert.match(await docker.ok('diff', name), /^A \/tmp\/copied$/m)
  await docker.ok('rename', name, `${name}-renamed`)
})

docker.add('a hundred docker run --rm in a row', async (docker) => {
  for (let i = 0; i < 100; i++) assert.equal(await docker.run('--network', 'none', image, 'echo', `${i}`), `${i}`)
  assert.deepEqual(await left(docker), [])
})

docker.add('20 docker run --rm at once', async (docker) => {
  const all = Array.from({ length: 20 }, (_, i) => docker.run(image, 'echo', `${i}`))
  assert.deepEqual(
    await Promise.all(all),
    Array.from({ length: 20 }, (_, i) => `${i}`),
  )
  assert.deepEqual(await left(docker), [])
})

/** What is there of containers though all have ended. */
async function left({ sandbox }: Docker): Promise<string[]> {
  sandbox.awaitShims()
  const state = sandbox.file('exec/runtime-runc/moby')
  const { stdout } = await sandbox.run('ps', ['-eo', 'args'])
  const { stdout: mounts } = await sandbox.run('cat', ['/proc/self/mounts'])
  assert.ok(existsSync(state))
  return [
    ...entries(state)
      .filter((name) => !name.startsWith('.'))
      .map((id) => `state: ${id}`),
    ...stdout.split('\n').filter((line) => line.includes('containerd-shim') && line.includes(sandbox.word)),
    ...mounts.split('\n').filter((line) => line.includes(sandbox.word)),
    ...sandbox.cgroups(),
  ]
}

docker.end()
