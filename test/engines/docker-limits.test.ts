/** Docker Engine: limits, and what happens at them. */
import assert from 'node:assert/strict'
import { Docker, image } from './support/docker.js'
import { Features } from './support/feature.js'

const docker = new Features('Docker limits', () => Docker.start())

/** Reads the first of these files of the container's own cgroup, v1 or v2. */
const cgroupFile = (...names: string[]): string[] => [
  'sh',
  '-c',
  `cat ${names.map((name) => `/sys/fs/cgroup/${name}`).join(' ')} 2>/dev/null; true`,
]
const memoryLimit = cgroupFile('memory/memory.limit_in_bytes', 'memory.max')

docker.add('--memory', async (docker) => {
  assert.equal(await docker.run('--memory', '20m', image, ...memoryLimit), `${20 << 20}`)
})

docker.add('--memory: an OOM kill that Docker sees', async (docker) => {
  const { status } = await docker.command(['run', '--rm', '--memory', '10m', image, 'tail', '/dev/zero'])
  assert.equal(status, 137)
  const name = docker.name()
  // Docker hears of kills from when the container has started. They and its end come by different ways, so the
  // container outlives the kill.
  const script = 'until [ -e /tmp/go ]; do :; done; tail /dev/zero; read end'
  await docker.ok('run', '-di', '--name', name, '--memory', '10m', image, 'sh', '-c', script)
  await docker.ok('exec', name, 'touch', '/tmp/go')
  await docker.seen(name, 'oom')
  await docker.ok('kill', name)
  await docker.ok('wait', name)
  assert.equal(await docker.inspect(name, '.State.OOMKilled'), 'true')
})

docker.add('--memory: the shell survives the OOM kill of its child', async (docker) => {
  const script = 'tail /dev/zero; echo $?'
  assert.equal(await docker.run('--memory', '10m', image, 'sh', '-c', script), '137')
})

docker.add('--memory-swap, --memory-reservation, --oom-kill-disable', async (docker) => {
  const options = ['--memory', '20m', '--memory-swap', '20m', '--memory-reservation', '10m']
  const soft = cgroupFile('memory/memory.soft_limit_in_bytes', 'memory.low')
  assert.equal(await docker.run(...options, image, ...soft), `${10 << 20}`)
})

docker.add('update -m on a running container', async (docker) => {
  const name = await docker.start('--memory', '30m', '--memory-swap', '60m')
  await docker.ok('update', '-m', '40m', '--memory-swap', '80m', name)
  assert.equal(await docker.ok('exec', name, ...memoryLimit), `${40 << 20}`)
})

docker.add('update --cpus, --pids-limit, --cpuset-cpus', async (docker) => {
  const name = await docker.start()
  await docker.ok('update', '--cpus', '0.25', '--pids-limit', '27', '--cpuset-cpus', '0', name)
  const quota = await docker.ok('exec', name, ...cgroupFile('cpu/cpu.cfs_quota_us', 'cpu.max'))
  assert.match(quota, /^25000\b/)
  assert.equal(await docker.ok('exec', name, ...cgroupFile('pids/pids.max', 'pids.max')), '27')
  assert.equal(await docker.ok('exec', name, 'grep', 'Cpus_allowed_list', '/proc/self/status'), 'Cpus_allowed_list:\t0')
})

// Not less: the threads of runc count as well.
docker.add('--pids-limit', async (docker) => {
  const script = 'for i in $(seq 30); do sleep 5 & done; kill %1 %2 %3'
  const { stderr } = await docker.command(['run', '--rm', '--pids-limit', '20', image, 'sh', '-c', script])
  assert.match(stderr, /can't fork: Resource temporarily unavailable/)
})

docker.add('--cpus', async (docker) => {
  const quota = await docker.run('--cpus', '0.5', image, ...cgroupFile('cpu/cpu.cfs_quota_us', 'cpu.max'))
  assert.match(quota, /^50000\b/)
})

docker.add('--cpu-shares, --cpuset-cpus, --cpuset-mems', async (docker) => {
  const options = ['--cpu-shares', '512', '--cpuset-cpus', '0', '--cpuset-mems', '0']
  const shares = await docker.run(...options, image, ...cgroupFile('cpu/cpu.shares', 'cpu.weight'))
  assert.match(shares, /^(512|20|59)$/)
  const allowed = await docker.run(...options, image, 'grep', 'Cpus_allowed_list', '/proc/self/status')
  assert.equal(allowed, 'Cpus_allowed_list:\t0')
})

docker.add('--device-read-bps, --blkio-weight', async (docker) => {
  const device = await someDisk(docker)
  const file = cgroupFile('blkio/blkio.throttle.read_bps_device', 'io.max')
  assert.match(
    await docker.run('--device-read-bps', `${device}:1mb`, '--blkio-weight', '100', image, ...file),
    /1048576/,
  )
})

/** A block device of the host. */
async function someDisk({ sandbox }: Docker): Promise<string> {
  const { stdout } = await sandbox.run('lsblk', ['-dnpo', 'NAME'])
  return stdout.split('\n')[0] ?? ''
}

docker.add('--cgroup-parent', async (docker) => {
  const parent = `/${docker.sandbox.word}-inner`
  const path = await docker.run('--cgroup-parent', parent, '--cgroupns=host', image, 'cat', '/proc/self/cgroup')
  assert.ok(path.includes(`:${parent}/`))
})

docker.end()
