/** Docker Engine: what `docker run` asks of the runtime. */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { Docker, image } from './support/docker.js'
import { Features } from './support/feature.js'

const docker = new Features('Docker run', () => Docker.start())

docker.add('docker info names it as default runtime', async (docker) => {
  const info = await docker.ok('info')
  assert.match(info, new RegExp(`^ *Default Runtime: (${docker.runtimeName}|reference-runc)$`, 'm'))
  assert.match(info, new RegExp(`^ *Runtimes: .*\\b${docker.runtimeName}\\b`, 'm'))
})

docker.add('output on both streams', async (docker) => {
  const { status, stdout, stderr } = await docker.command(['run', '--rm', image, 'sh', '-c', 'echo out; echo err >&2'])
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: 'out\n', stderr: 'err\n' })
})

docker.add('-i: standard input', async (docker) => {
  const { stdout } = await docker.command(['run', '--rm', '-i', image, 'tr', 'a-z', 'A-Z'], { input: 'words\n' })
  assert.equal(stdout, 'WORDS\n')
})

for (const [status, what, ...args] of [
  [0, 'of the program', 'true'],
  [1, 'of the program', 'false'],
  [42, 'of the program', 'sh', '-c', 'exit 42'],
  [126, 'for a file that is no program', '/etc/passwd'],
  [126, 'for a directory', '/etc'],
  [127, 'for a program that is not there', 'no-such-program'],
  [127, 'for a path that is not there', '/no/such/program'],
] as const) {
  docker.add(`exit status ${status} ${what}${status < 100 ? '' : ` (${args[0]})`}`, async (docker) => {
    assert.equal((await docker.command(['run', '--rm', image, ...args])).status, status)
  })
}

docker.add('exit status 137 for a program that was killed', async (docker) => {
  const name = await docker.start()
  const waiting = docker.ok('wait', name)
  await docker.ok('kill', name)
  assert.equal(await waiting, '137')
  assert.equal(await docker.inspect(name, '.State.ExitCode'), '137')
})

docker.add('--user, --group-add, --workdir, --env, --hostname', async (docker) => {
  assert.equal(await docker.run('--user', 'user', image, 'id', '-un'), 'user')
  assert.equal(await docker.run('--user', '12:34', '--group-add', '56', image, 'id'), 'uid=12 gid=34 groups=34,56')
  const args = ['--workdir', '/made/here', '--env', 'WORD=value', '--hostname', 'box']
  const printed = await docker.run(...args, image, 'sh', '-c', 'pwd; echo $WORD; hostname')
  assert.equal(printed, '/made/here\nvalue\nbox')
})

const sysAdmin = 1n << 21n
const effective = ['sh', '-c', 'grep CapEff /proc/self/status | cut -f2']

docker.add('--cap-drop, --cap-add', async (docker) => {
  assert.equal(await docker.run('--cap-drop', 'ALL', image, ...effective), '0000000000000000')
  const added = await docker.run('--cap-drop', 'ALL', '--cap-add', 'NET_ADMIN', image, ...effective)
  assert.equal(added, '0000000000001000')
  assert.match(await docker.run(image, ...effective), /^00000000a8/)
})

docker.add(
  '--privileged',
  async (docker) => {
    await docker.run('--privileged', image, 'mount', '-t', 'tmpfs', 'tmpfs', '/tmp')
    assert.match(await docker.run('--privileged', image, 'ls', '/dev'), /kmsg/)
    // All that the daemon's own root has.
    const all = await docker.run('--privileged', image, ...effective)
    assert.equal(BigInt(`0x${all}`) & sysAdmin, sysAdmin)
  },
  { hostLimit: /unable to apply caps: operation not permitted/ },
)

docker.add('--security-opt seccomp: default, unconfined, a profile', async (docker) => {
  const mode = ['sh', '-c', 'grep Seccomp: /proc/self/status | cut -f2']
  assert.equal(await docker.run(image, ...mode), '2')
  assert.equal(await docker.run('--security-opt', 'seccomp=unconfined', image, ...mode), '0')
  const profile = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 }],
  }
  const path = docker.sandbox.write('seccomp.json', JSON.stringify(profile))
  const { stderr } = await docker.command(['run', '--rm', '--security-opt', `seccomp=${path}`, image, 'mkdir', '/made'])
  assert.match(stderr, /No space left on device/)
})

docker.add('--security-opt no-new-privileges', async (docker) => {
  const args = ['--security-opt', 'no-new-privileges', image, 'grep', 'NoNewPrivs', '/proc/self/status']
  assert.match(await docker.run(...args), /\t1$/)
})

docker.add('--read-only', async (docker) => {
  const { status, stderr } = await docker.command(['run', '--rm', '--read-only', image, 'touch', '/file'])
  assert.deepEqual([status, /Read-only file system/.test(stderr)], [1, true])
})

docker.add('--tmpfs', async (docker) => {
  const line = await docker.run('--tmpfs', '/scratch:size=2m,mode=700', image, 'grep', ' /scratch ', '/proc/mounts')
  assert.match(line, /^tmpfs \/scratch tmpfs rw,nosuid,nodev,noexec,.*size=2048k,mode=700/)
})

docker.add('-v, --mount: folders and named volumes', async (docker) => {
  const folder = docker.sandbox.file('volume')
  mkdirSync(folder, { recursive: true })
  await docker.run('-v', `${folder}:/data`, image, 'sh', '-c', 'echo kept > /data/file')
  assert.equal(await docker.run('-v', `${folder}:/data:ro`, image, 'cat', '/data/file'), 'kept')
  const { status } = await docker.command(['run', '--rm', '-v', `${folder}:/data:ro`, image, 'touch', '/data/more'])
  assert.equal(status, 1)
  const mount = ['--mount', 'type=volume,source=named,target=/www']
  assert.equal(await docker.run(...mount, image, 'cat', '/www/index.html'), 'a page')
  assert.equal(await docker.run('-v', 'named:/elsewhere', image, 'ls', '/elsewhere'), 'index.html')
  await docker.ok('volume', 'rm', 'named')
})

docker.add('-v with propagation', async (docker) => {
  const folder = docker.sandbox.file('shared')
  mkdirSync(folder, { recursive: true })
  const read = await docker.run('-v', `${folder}:/data:rslave`, image, 'grep', ' /data ', '/proc/self/mountinfo')
  assert.match(read, / \/data rw/)
})

docker.add('--device', async (docker) => {
  const script = 'ls -l /dev/named; echo x > /dev/named'
  assert.match(await docker.run('--device', '/dev/null:/dev/named:w', image, 'sh', '-c', script), /^crw.* 1, +3 /)
})

docker.add('--device-cgroup-rule', async (docker) => {
  const script = 'mknod /tmp/full c 1 7; cat /tmp/full | head -c 1 | wc -c'
  assert.equal(await docker.run('--device-cgroup-rule', 'c 1:7 r', image, 'sh', '-c', script), '1')
})

docker.add('a device that is not allowed', async (docker) => {
  const { stderr } = await docker.command(['run', '--rm', image, 'sh', '-c', 'mknod /tmp/mem c 1 1; cat < /tmp/mem'])
  assert.match(stderr, /Operation not permitted/)
})

docker.add('--pid=host', async (docker) => {
  assert.equal(await docker.run('--pid=host', image, 'cat', '/proc/sys/kernel/ns_last_pid').then(Boolean), true)
  const own = await docker.run(image, 'sh', '-c', 'echo $$')
  const hosts = await docker.run('--pid=host', image, 'sh', '-c', 'echo $$')
  assert.deepEqual([own, Number(hosts) > 1], ['1', true])
})

docker.add('--pid=container:, --ipc=container:', async (docker) => {
  const name = await docker.start('--ipc=shareable')
  const args = [`--pid=container:${name}`, `--ipc=container:${name}`]
  assert.match(await docker.run(...args, image, 'ps'), /sleep 1000/)
})

docker.add('--uts=host, --ipc=host, --cgroupns=private', async (docker) => {
  assert.notEqual(await docker.run('--uts=host', '--ipc=host', image, 'hostname'), '')
  assert.match(await docker.run('--cgroupns=private', image, 'cat', '/proc/self/cgroup'), /:\/$/m)
})

docker.add('--init', async (docker) => {
  assert.match(await docker.run('--init', image, 'cat', '/proc/1/comm'), /^(docker-init|tini)$/)
})

docker.add('--sysctl, --ulimit, --shm-size, --oom-score-adj', async (docker) => {
  const options = ['--sysctl', 'net.ipv4.ip_unprivileged_port_start=1', '--ulimit', 'nofile=100:200']
  const more = ['--shm-size', '3m', '--oom-score-adj', '500']
  const script = [
    'cat /proc/sys/net/ipv4/ip_unprivileged_port_start',
    'ulimit -n; ulimit -Hn',
    'df /dev/shm | grep -c 3072',
    'cat /proc/self/oom_score_adj',
  ]
  assert.equal(await docker.run(...options, ...more, image, 'sh', '-c', script.join(';')), '1\n100\n200\n1\n500')
})

docker.add('masked and read-only paths', async (docker) => {
  const script = 'wc -c < /proc/timer_list; echo 1 > /proc/sys/vm/swappiness'
  const { stdout, stderr } = await docker.command(['run', '--rm', image, 'sh', '-c', script])
  assert.deepEqual([stdout, /Read-only file system/.test(stderr)], ['0\n', true])
})

docker.end()
