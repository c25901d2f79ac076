/** Podman with systemd as cgroup manager. In the virtual machine where systemd is process 1; see scripts/test-vm.mjs. */
import { readFileSync } from 'node:fs'
import type { Test } from 'tap'
import { Podman } from '../engines/support/podman.js'
import { RootlessPodman } from '../engines/support/rootless-podman.js'
import { testWith } from '../helpers/test.js'
import { startUserManager } from '../helpers/user-manager.js'

const test = testWith('systemd', 'podman')

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
