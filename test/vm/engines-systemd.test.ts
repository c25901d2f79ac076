/** Podman and Docker with systemd as cgroup manager. In the virtual machine where systemd is process 1; see scripts/test-vm.mjs. */
import { existsSync, readFileSync } from 'node:fs'
import type { Test } from 'tap'
import { Docker } from '../engines/support/docker.js'
import { Podman } from '../engines/support/podman.js'
import { RootlessPodman } from '../engines/support/rootless-podman.js'
import { show } from '../helpers/systemd.js'
import { testWith } from '../helpers/test.js'
import { startUserManager } from '../helpers/user-manager.js'

const test = testWith('systemd', 'engines')

/** A container with limits, a second process, a pause and an end; `directory` is where its scope must be. */
async function lives(t: Test, podman: Podman, directory: (id: string) => string): Promise<void> {
  const name = await podman.start('--memory', '64m', '--pids-limit', '50')
  const inspect = (format: string): Promise<string> => podman.ok('inspect', '--format', format, name)
  const pid = await inspect('{{.State.Pid}}')
  const cgroup = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().replace('0::', '/sys/fs/cgroup')
  t.equal(cgroup, directory(await inspect('{{.Id}}')))
  const read = (file: string): string => readFileSync(`${cgroup}/${file}`, 'utf8').trim()
  t.same(['memory.max', 'pids.max'].map(read), [String(64 << 20), '50'])
  t.equal(await podman.ok('exec', name, 'cat', '/proc/self/cgroup'), '0::/', 'exec is in the same cgroup')
  await podman.ok('pause', name)
  t.match(read('cgroup.events'), /^frozen 1$/m)
  await podman.ok('unpause', name)
  await podman.ok('stop', name)
  t.equal(await inspect('{{.State.ExitCode}}'), '5', 'it has ended by itself')
  await podman.clear()
}

test('podman: the container is a scope in machine.slice', async (t) => {
  const podman = await Podman.start('systemd')
  await lives(t, podman, (id) => `/sys/fs/cgroup/machine.slice/libpod-${id}.scope`)
  t.same(await podman.close(), [])
})

test('podman without root: the container is a scope of the user’s systemd', async (t, scope) => {
  const manager = startUserManager(scope)
  const podman = await RootlessPodman.startFor(manager)
  await lives(t, podman, (id) => `${manager.cgroup}/user.slice/libpod-${id}.scope`)
  t.same(await podman.close(), [])
})

test('docker: the container is a scope in the slice of the daemon, and update changes it', async (t) => {
  const docker = await Docker.start({ systemd: true })
  const name = await docker.start('--network', 'none', '--memory', '64m', '--cpus', '0.5', '--pids-limit', '50')
  const id = await docker.inspect(name, '.Id')
  const pid = await docker.inspect(name, '.State.Pid')
  const unit = `docker-${id}.scope`
  const cgroup = `/sys/fs/cgroup/tsrun.slice/tsrun-test.slice/${unit}`
  t.equal(readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().replace('0::', '/sys/fs/cgroup'), cgroup)
  const read = (file: string): string => readFileSync(`${cgroup}/${file}`, 'utf8').trim()
  t.same(['memory.max', 'pids.max', 'cpu.max'].map(read), [String(64 << 20), '50', '50000 100000'])
  await docker.ok('update', '--memory', '32m', '--memory-swap', '64m', name)
  t.equal(read('memory.max'), String(32 << 20))
  t.same(show(unit, 'MemoryMax', 'TasksMax'), { MemoryMax: String(32 << 20), TasksMax: '50' })
  await docker.ok('pause', name)
  t.match(read('cgroup.events'), /^frozen 1$/m)
  await docker.ok('unpause', name)
  await docker.ok('stop', name)
  t.equal(await docker.inspect(name, '.State.ExitCode'), '5', 'it has ended by itself')
  await docker.clear()
  t.notOk(existsSync(cgroup))
  t.same(await docker.close(), [])
})
