/** Cgroups made by the systemd of an ordinary user. In the virtual machine where systemd is process 1; see scripts/test-vm.mjs. */
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Change } from '../helpers/config.js'
import { globals, unitProperties } from '../helpers/systemd.js'
import { testWith } from '../helpers/test.js'
import { User } from '../helpers/user.js'
import { startUserManager } from '../helpers/user-manager.js'

const test = testWith('systemd', 'tsrun')

const sleeps: Change = (config) => {
  config.process.args = ['/bin/sleep', '1000']
}
const show = (user: User, unit: string, ...names: string[]): Record<string, string> =>
  unitProperties(user.program(['systemctl', '--user', 'show', unit, '-p', names.join(',')]).stdout)
const cgroupOf = (pid: number): string =>
  readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().replace('0::', '/sys/fs/cgroup')

test('a user’s container has a scope of the user’s own systemd, with its limits', (t, scope) => {
  const manager = startUserManager(scope)
  const user = manager.user()
  const container = user.container((config) => {
    sleeps(config)
    config.linux.resources = { memory: { limit: 33554432 }, pids: { limit: 17 } }
  })
  t.match(container.create([], globals), { status: 0, stderr: '' })
  const unit = `tsrun-${container.id}.scope`
  const directory = `${manager.cgroup}/user.slice/${unit}`
  const read = (file: string): string => readFileSync(`${directory}/${file}`, 'utf8').trim()
  const { pid } = container.state()
  t.equal(cgroupOf(pid), directory)
  t.equal(read('cgroup.procs'), String(pid), 'init is alone in it')
  t.same(['memory.max', 'pids.max'].map(read), ['33554432', '17'])
  t.match(show(user, unit, 'ActiveState', 'Delegate', 'Slice', 'MemoryMax', 'TasksMax'), {
    ...{ ActiveState: 'active', Delegate: 'yes', Slice: 'user.slice', MemoryMax: '33554432', TasksMax: '17' },
  })

  t.match(container.start(), { status: 0, stderr: '' })
  t.match(user.runtime(['update', '--pids-limit', '19', container.id]), { status: 0, stderr: '' })
  t.equal(read('pids.max'), '19')
  t.equal(show(user, unit, 'TasksMax').TasksMax, '19')
  t.match(user.runtime(['exec', '--detach', container.id, '/bin/sleep', '1000']), { status: 0, stderr: '' })
  t.equal(read('cgroup.procs').split('\n').length, 2, 'exec comes from outside into the scope')
  t.match(user.runtime(['pause', container.id]), { status: 0, stderr: '' })
  t.match(read('cgroup.events'), /^frozen 1$/m)
  t.match(user.runtime(['resume', container.id]), { status: 0, stderr: '' })

  t.match(user.runtime(['delete', '--force', container.id]), { status: 0, stderr: '' })
  t.notOk(existsSync(directory))
  t.equal(show(user, unit, 'LoadState').LoadState, 'not-found')
})

test('a user in a user namespace of its own, as podman’s is, reaches the systemd outside', (t, scope) => {
  const manager = startUserManager(scope)
  const user = manager.user({ through: ['unshare', '--user', '--map-root-user'] })
  const container = user.container((config) => {
    sleeps(config)
    config.linux.cgroupsPath = 'tsrun-test.slice:libpod:c'
    for (const map of [config.linux.uidMappings, config.linux.gidMappings]) if (map?.[0]) map[0].hostID = 0
  })
  t.match(container.run(['--detach'], globals), { status: 0, stderr: '' })
  const { pid } = container.state()
  t.equal(cgroupOf(pid), `${manager.cgroup}/tsrun.slice/tsrun-test.slice/libpod-c.scope`)
  t.match(user.runtime(['delete', '--force', container.id]), { status: 0, stderr: '' })
  t.equal(show(user, 'libpod-c.scope', 'LoadState').LoadState, 'not-found')
})

test('tsrun joins a scope of its own only where it is outside of the user’s systemd', (t, scope) => {
  const manager = startUserManager(scope)
  const seen = scope.path('seen')
  const [outside, inside] = [[], ['systemd-run', '--user', '--scope', '--quiet']].map((through) => {
    const user = manager.user({ through })
    mkdirSync(seen, { recursive: true })
    chownSync(seen, user.id, user.id)
    const container = user.container((config) => {
      sleeps(config)
      config.hooks = {
        createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', `cat /proc/self/cgroup > ${seen}/cgroup`] }],
      }
    })
    t.match(container.create([], globals), { status: 0, stderr: '' })
    t.match(user.runtime(['delete', '--force', container.id]), { status: 0, stderr: '' })
    return basename(readFileSync(`${seen}/cgroup`, 'utf8').trim())
  })
  t.match(outside, /^tsrun\.\d+\.scope$/)
  t.match(inside, /^run-.*\.scope$/)
})

test('a limit that the kernel rejects is an error that names it, and nothing is left', (t, scope) => {
  const user = startUserManager(scope).user()
  const container = user.container((config) => {
    sleeps(config)
    config.linux.resources = { unified: { 'memory.oom.group': '7' } }
  })
  const { status, stderr } = container.create([], globals)
  t.equal(status, 1)
  t.match(
    stderr,
    /cannot set memory\.oom\.group to "7": write ".*\/user\.slice\/tsrun-.*\.scope\/memory\.oom\.group": invalid argument/,
  )
  t.equal(show(user, `tsrun-${container.id}.scope`, 'LoadState').LoadState, 'not-found')
  t.same(readdirSync(scope.root), [])
})

test('without a bus of the user there is an error that says what is missing', (t, scope) => {
  const user = new User(scope, { prepare: ['unset XDG_RUNTIME_DIR DBUS_SESSION_BUS_ADDRESS'] })
  t.match(user.container(sleeps).create([], globals), { status: 1, stderr: /XDG_RUNTIME_DIR is not set/ })
  t.same(scope.leftovers(), [])
})
