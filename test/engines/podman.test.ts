/** podman as root: containers and pods. */
import assert from 'node:assert/strict'
import { runtimeName } from '../helpers/requires.js'
import { Features } from './support/feature.js'
import { image, Podman } from './support/podman.js'
import { prompt, Terminal } from './support/terminal.js'

const podman = new Features('podman', () => Podman.start())

podman.add('podman info names it as runtime', async (podman) => {
  const info = await podman.ok('info', '--format', '{{.Host.OCIRuntime.Name}} {{.Host.OCIRuntime.Version}}')
  assert.match(info, new RegExp(`\\b${runtimeName()}\\b(.|\\n)*${runtimeName()}`))
})

podman.add('run: output on both streams, input', async (podman) => {
  const args = ['run', '--rm', '-i', '--network', 'none', image, 'sh', '-c', 'rev; echo err >&2']
  const { status, stdout, stderr } = await podman.command(args, { input: 'words\n' })
  assert.deepEqual([status, stdout, stderr], [0, 'sdrow\n', 'err\n'])
})

for (const [status, ...args] of [
  [0, 'true'],
  [1, 'false'],
  [42, 'sh', '-c', 'exit 42'],
  [126, '/etc/passwd'],
  [127, 'no-such-program'],
] as const) {
  podman.add(`run: exit status ${status}`, async (podman) => {
    const run = ['run', '--rm', '--network', 'none', image, ...args]
    assert.equal((await podman.command(run)).status, status)
  })
}

podman.add('run -it and exec -it under a real terminal', async (podman) => {
  const name = podman.name()
  const line = podman.commandLine(['run', '-it', '--name', name, '--network', 'none', image, 'sh'])
  const terminal = await Terminal.open(podman.sandbox, line.join(' '), podman.environment)
  try {
    await terminal.shows(prompt)
    // Engines set the size some time after the start.
    await terminal.type('tty; until stty size 2>/dev/null | grep .; do :; done; exit 7')
    await terminal.shows(/\/dev\/pts\/0\r\n30 100\r\n/)
    await terminal.shows(/ended with 7/)
  } finally {
    await terminal.close()
  }
})

podman.add('exec: output, input, exit status, user', async (podman) => {
  const name = await podman.start()
  const { stdout } = await podman.command(['exec', '-i', name, 'rev'], { input: 'words\n' })
  assert.equal(stdout, 'sdrow\n')
  assert.equal(await podman.ok('exec', '--user', 'user', '-w', '/tmp', name, 'sh', '-c', 'id -u; pwd'), '1000\n/tmp')
  assert.equal((await podman.command(['exec', name, 'sh', '-c', 'exit 3'])).status, 3)
  assert.equal((await podman.command(['exec', name, 'no-such-program'])).status, 127)
})

podman.add('logs, attach, wait', async (podman) => {
  const name = podman.name()
  const args = ['run', '-d', '--name', name, '--network', 'none', image, 'sh', '-c', 'echo out; exit 4']
  await podman.ok(...args)
  assert.equal(await podman.ok('wait', name), '4')
  assert.equal(await podman.ok('logs', name), 'out')
})

podman.add('stop, kill, restart', async (podman) => {
  const name = await podman.start()
  await podman.ok('stop', name)
  assert.equal(await podman.ok('inspect', '--format', '{{.State.ExitCode}}', name), '5')
  await podman.ok('start', name)
  await podman.ok('restart', '-t', '0', name)
  await podman.ok('kill', name)
  assert.equal(await podman.ok('wait', name), '137')
})

podman.add('pause, unpause', async (podman) => {
  const name = await podman.start()
  await podman.ok('pause', name)
  assert.equal(await podman.ok('inspect', '--format', '{{.State.Status}}', name), 'paused')
  await podman.ok('unpause', name)
  assert.equal(await podman.ok('exec', name, 'echo', 'again'), 'again')
})

podman.add('top, stats', async (podman) => {
  const name = await podman.start('--memory', '64m')
  assert.match(await podman.ok('top', name, 'args'), /sleep 1000/)
  const stats = await podman.ok('stats', '--no-stream', '--format', '{{.MemUsage}} {{.PIDS}}', name)
  assert.match(stats, /^[1-9][0-9.]*[kM]B \/ 67.11MB 2$/)
})

podman.add('--memory: an OOM kill', async (podman) => {
  const { status, stderr } = await podman.command(['run', '--rm', '--memory', '10m', image, 'tail', '/dev/zero'])
  assert.equal(status, 137, stderr)
})

podman.add(
  '--memory: an OOM kill that podman sees',
  async (podman) => {
    const name = podman.name()
    const args = ['--name', name, '--network', 'none', '--memory', '10m', image, 'sh', '-c', 'tail /dev/zero; sleep 1']
    await podman.command(['run', ...args])
    const seen = await podman.ok('inspect', '--format', '{{.State.OOMKilled}}', name)
    assert.equal(seen, 'true', 'podman has not seen the OOM kill')
  },
  { hostLimit: /podman has not seen the OOM kill/ },
)

podman.add('--pids-limit, --cpus, --cpuset-cpus', async (podman) => {
  const script = 'grep Cpus_allowed_list /proc/self/status; for i in $(seq 30); do sleep 5 & done; kill %1 %2'
  const options = ['--pids-limit', '20', '--cpus', '0.5', '--cpuset-cpus', '0', '--network', 'none']
  const { stdout, stderr } = await podman.command(['run', '--rm', ...options, image, 'sh', '-c', script])
  assert.deepEqual([stdout, /can't fork/.test(stderr)], ['Cpus_allowed_list:\t0\n', true])
})

podman.add('update', async (podman) => {
  const name = await podman.start('--memory', '64m')
  await podman.ok('update', '--memory', '32m', name)
  const files = '/sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max'
  assert.equal(await podman.ok('exec', name, 'sh', '-c', `cat ${files} 2>/dev/null; true`), `${32 << 20}`)
})

podman.add('--read-only, --tmpfs, --volume, --user, --cap-drop', async (podman) => {
  const volume = ['--volume', `${podman.sandbox.file('image')}/etc:/data:ro`]
  const options = ['--read-only', '--tmpfs', '/scratch', ...volume, '--user', '12:34', '--cap-drop', 'all']
  const script =
    'id -u; head -n 1 /data/group; grep CapEff /proc/self/status | cut -f2; grep -c " /scratch " /proc/mounts'
  assert.equal(await podman.run(...options, image, 'sh', '-c', script), '12\nroot:x:0:\n0000000000000000\n1')
})

podman.add('--device, --security-opt seccomp=unconfined, --sysctl', async (podman) => {
  const options = ['--device', '/dev/null:/dev/named', '--security-opt', 'seccomp=unconfined']
  const script = 'ls /dev/named; grep Seccomp: /proc/self/status | cut -f2; cat /proc/sys/kernel/shm_rmid_forced'
  const printed = await podman.run(...options, '--sysctl', 'kernel.shm_rmid_forced=1', image, 'sh', '-c', script)
  assert.equal(printed, '/dev/named\n0\n1')
})

podman.add(
  '--privileged',
  async (podman) => {
    await podman.run('--privileged', image, 'mount', '-t', 'tmpfs', 'tmpfs', '/tmp')
  },
  { hostLimit: /operation not permitted/ },
)

podman.add('--systemd=always: what systemd as init needs', async (podman) => {
  const script = 'grep -c " /run tmpfs" /proc/mounts; touch /sys/fs/cgroup/systemd/mine 2>/dev/null; echo $container'
  assert.equal(await podman.run('--systemd=always', image, 'sh', '-c', script), '1\npodman')
})

podman.add('--init, --pid=host', async (podman) => {
  const tini = ['--init', '--init-path', '/usr/bin/tini-static']
  assert.match(await podman.run(...tini, image, 'cat', '/proc/1/comm'), /^(catatonit|tini|podman-init)/)
  assert.ok(Number(await podman.run('--pid=host', image, 'sh', '-c', 'echo $$')) > 1)
})

podman.add(
  '--cgroups=disabled',
  async (podman) => assert.equal(await podman.run('--cgroups=disabled', image, 'echo', 'ran'), 'ran'),
  { hostLimit: /not compatible with NoCgroups/ },
)

podman.add('bridge network: two containers talk', async (podman) => {
  const name = podman.name()
  await podman.ok('run', '-d', '--name', name, image, 'httpd', '-f', '-h', '/www')
  const address = await podman.ok('inspect', '--format', '{{.NetworkSettings.IPAddress}}', name)
  const fetch = `until wget -qO- http://${address}/ 2>/dev/null; do :; done`
  assert.equal(await podman.ok('run', '--rm', image, 'sh', '-c', fetch), 'a page')
})

podman.add('pod: containers that share namespaces', async (podman) => {
  const pod = podman.name()
  const infra = ['--infra-image', image, '--infra-command', 'sleep 1000']
  await podman.ok('pod', 'create', '--name', pod, '--network', 'none', ...infra)
  const member = ['-d', '--pod', pod, image, 'httpd', '-f', '-h', '/www']
  await podman.ok('run', ...member)
  const fetch = 'until wget -qO- http://127.0.0.1/ 2>/dev/null; do :; done'
  const page = await podman.ok('run', '--rm', '--pod', pod, image, 'sh', '-c', fetch)
  assert.equal(page, 'a page')
  await podman.ok('pod', 'stop', '-t', '0', pod)
})

podman.add('commit, build, export', async (podman) => {
  const file = podman.sandbox.write('podman/Dockerfile', `FROM ${image}\nRUN echo built > /file\nCMD cat /file\n`)
  await podman.ok('build', '--network', 'none', '-t', 'built', '-f', file)
  assert.equal(await podman.run('built'), 'built')
  const name = podman.name()
  await podman.ok('run', '--name', name, '--network', 'none', image, 'touch', '/kept')
  await podman.ok('commit', '-q', name, 'kept')
  assert.equal(await podman.run('kept', 'ls', '/kept'), '/kept')
})

podman.add('an error is shown as the runtime said it', async (podman) => {
  const { stderr } = await podman.command(['run', '--rm', '--network', 'none', image, 'no-such-program'])
  assert.match(stderr, /executable file .*no-such-program.* not found|"no-such-program": executable file not found/)
  assert.doesNotMatch(stderr, /"level"|\{/)
})

podman.add('20 run --rm one after the other', async (podman) => {
  for (let i = 0; i < 20; i++) assert.equal(await podman.run(image, 'echo', `${i}`), `${i}`)
})

podman.add('buildah: from, run, commit', async (podman) => {
  const buildah = async (...args: string[]): Promise<string> => {
    const { status, stdout, stderr } = await podman.buildah(args)
    assert.equal(status, 0, `buildah ${args.join(' ')}: ${stderr}`)
    return stdout.trim()
  }
  const name = await buildah('from', '--pull-never', image)
  const run = ['run', '--network', 'none', name, '--']
  await buildah(...run, 'sh', '-c', 'echo kept > /kept')
  assert.equal((await podman.buildah([...run, 'sh', '-c', 'exit 6'])).status, 6)
  await buildah('commit', '-q', name, 'localhost/by-buildah')
  await buildah('rm', name)
  assert.equal(await podman.run('localhost/by-buildah', 'cat', '/kept'), 'kept')
})

podman.add('buildah: build with RUN steps', async (podman) => {
  const file = podman.sandbox.write('buildah/Dockerfile', `FROM ${image}\nRUN echo built > /file\nCMD cat /file\n`)
  const { status, stderr } = await podman.buildah(['build', '--network', 'none', '-t', 'built2', '-f', file])
  assert.equal(status, 0, stderr)
  assert.equal(await podman.run('built2'), 'built')
})

podman.end()
