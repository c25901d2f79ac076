/** An ordinary user without subordinate ids: the whole life cycle. */
import { chmodSync, chownSync, lstatSync, mkdirSync, readFileSync } from 'node:fs'
import { setNamespace } from '../helpers/config.js'
import { mountAt, tried } from '../helpers/probe.js'
import { ended } from '../helpers/runtime.js'
import { testWith } from '../helpers/test.js'
import { User } from '../helpers/user.js'

const test = testWith('user-namespaces', 'tsrun')

test('the user is root of its container, and nobody else', (t, scope) => {
  const user = new User(scope)
  const report = user.probe(
    undefined,
    'read /proc/self/uid_map',
    'read /proc/self/gid_map',
    'read /proc/self/setgroups',
  )
  t.match(report, { pid: 1, uids: [0, 0, 0], gids: [0, 0, 0], groups: [] })
  const map = new RegExp(`^\\s*0\\s+${user.id}\\s+1\\s*$`)
  t.match(tried(report, 'read /proc/self/uid_map').text, map)
  t.match(tried(report, 'read /proc/self/gid_map').text, map)
  t.equal(tried(report, 'read /proc/self/setgroups').text?.trim(), 'deny')
})

test('a container of a user is created, started, entered, killed and deleted', (t, scope) => {
  const user = new User(scope)
  const container = user.container((config) => {
    config.process.args = ['/probe', 'wait']
  })
  t.match(container.create(), { status: 0, stderr: '' })
  t.match(container.state(), { status: 'created', owner: `#${user.id}` })
  t.match(container.start(), { status: 0, stdout: '', stderr: '' })
  const { pid, status } = container.state()
  t.equal(status, 'running')
  t.match(readFileSync(`/proc/${pid}/status`, 'utf8'), new RegExp(`^Uid:\\s${user.id}\\s`, 'm'))
  t.match(user.runtime(['exec', container.id, '/bin/sh', '-c', 'id; exit 3']), {
    status: 3,
    stdout: /^uid=0 gid=0/,
    stderr: '',
  })
  t.same(JSON.parse(user.runtime(['ps', '--format', 'json', container.id]).stdout), [pid])
  t.match(user.runtime(['list', '-q']), { status: 0, stdout: `${container.id}\n` })
  t.match(container.delete(), { status: 1, stderr: /not stopped: running/ })
  t.match(container.kill('KILL'), { status: 0, stderr: '' })
  container.awaitEnd()
  t.match(container.state(), { status: 'stopped', pid: 0 })
  t.match(container.delete(), { status: 0, stderr: '' })
  t.match(user.runtime(['state', container.id]), { status: 1, stderr: /does not exist/ })
})

test('run passes on the exit status, and hooks, masks, terminal and tmpfs work', (t, scope) => {
  const user = new User(scope)
  const container = user.container((config) => {
    config.process.terminal = true
    config.process.args = ['/bin/sh', '-c', '[ -t 0 ] && echo terminal; ls /tmp; wc -c < /proc/meminfo; exit 7']
    config.mounts.push({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'size=64k'] })
    config.linux.maskedPaths = ['/proc/meminfo', '/proc/acpi']
    config.linux.readonlyPaths = ['/proc/sys']
    config.root.readonly = true
    config.hooks = {
      createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', 'id -u > /dev/null'] }],
      createContainer: [{ path: '/bin/sh', args: ['sh', '-c', 'exit 0'] }],
    }
  })
  t.match(container.run(), { status: 7, stdout: 'terminal\n0\n', stderr: '' })
})

test('the devices are those of the host, bound', (t, scope) => {
  const user = new User(scope)
  const report = user.probe(undefined, 'stat /dev/null', 'write /dev/null', 'mknod /tmp/x c 1 3')
  t.match(tried(report, 'stat /dev/null'), { major: 1, minor: 3 })
  t.equal(mountAt(report, '/dev/null').root, '/null')
})

test('a user’s oom score goes up, and down only with CAP_SYS_RESOURCE', (t, scope) => {
  const user = new User(scope)
  t.equal(user.probe((config) => void (config.process.oomScoreAdj = 700)).oomScoreAdj, 700)
  const lowered = user.container((config) => {
    config.process.oomScoreAdj = -500
  })
  t.match(lowered.run(), {
    status: 1,
    stderr: /oomScoreAdj: write ".*oom_score_adj": permission denied \(.*CAP_SYS_RESOURCE/,
  })
  const container = user.container((config) => {
    config.process.args = ['/probe', 'wait']
  })
  container.run(['--detach'])
  const score = ['exec', container.id, '/bin/cat', '/proc/self/oom_score_adj']
  t.match(user.runtime(score), { status: 0, stderr: '' })
})

test('without a user namespace in the config a user gets an error that says so', (t, scope) => {
  const user = new User(scope)
  const container = user.container((config) => {
    config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'user')
    delete config.linux.uidMappings
    delete config.linux.gidMappings
  })
  t.match(container.create(), {
    status: 1,
    stderr: /\/linux\/namespaces: a user namespace is missing, .* uid 54321 .*tsrun spec --rootless/,
  })
})

test('the config of spec --rootless runs as it is', async (t, scope) => {
  const user = new User(scope)
  const bundle = user.container().bundle.path
  t.equal(scope.runner.runProgram('rm', [`${bundle}/config.json`]).status, 0)
  chownSync(bundle, user.id, user.id)
  t.match(user.runtime(['spec', '--rootless', '--bundle', bundle]), { status: 0, stderr: '' })
  const id = scope.newId()
  const child = user.runner.spawn(['run', '--bundle', bundle, id])
  child.stdin?.end('id\nexit 4\n')
  t.equal((await ended(child)).status, 4)
})

test('additional groups cannot be set where only the user’s own group is mapped', (t, scope) => {
  const user = new User(scope)
  const container = user.container((config) => {
    config.process.user.additionalGids = [0]
  })
  t.match(container.create(), { status: 1, stderr: /\/process\/user\/additionalGids: additional groups cannot be set/ })
})

test('exec waits until a container of a user is started', (t, scope) => {
  const user = new User(scope)
  const container = user.container()
  container.create()
  t.match(user.runtime(['exec', container.id, '/bin/true']), { status: 255, stderr: /only created.*start it first/ })
  t.match(container.delete(), { status: 0, stderr: '' })
})

test('ps and kill --all know a user’s processes without a cgroup', (t, scope) => {
  const user = new User(scope)
  const container = user.container((config) => {
    config.process.args = [
      '/bin/sh',
      '-c',
      'trap "" TERM; (trap - TERM; echo > /born; sleep 1000); echo > /ended; sleep 1000',
    ]
  })
  const [born, ended] = [container.fifo('born'), container.fifo('ended')]
  for (const { path } of [born, ended]) chownSync(path, user.id, user.id)
  container.run(['--detach'])
  born.read()
  const pids = JSON.parse(user.runtime(['ps', '--format', 'json', container.id]).stdout) as number[]
  const { pid } = container.state()
  t.ok(pids.includes(pid) && pids.length > 1, 'init and others')
  t.match(user.runtime(['ps', container.id]), { status: 0, stdout: /\bsleep 1000\b/ })
  t.match(container.kill('TERM', ['--all']), { status: 0, stderr: '' })
  ended.read()
  t.equal(container.state().status, 'running', 'init ignores it')
  t.match(container.kill('KILL', ['--all']), { status: 0, stderr: '' })
  container.awaitEnd()
})

test('without --root a user’s state is in $XDG_RUNTIME_DIR, which cleaners leave alone', (t, scope) => {
  const user = new User(scope)
  const directory = scope.path('xdg')
  mkdirSync(directory, { mode: 0o700 })
  chownSync(directory, user.id, user.id)
  const env = { PATH: process.env.PATH ?? '', XDG_RUNTIME_DIR: directory }
  const container = user.container()
  const tsrun = (...args: string[]): unknown =>
    user.runner.runProgram('/bin/sh', [...withoutRoot(user, scope), ...args], { env })
  t.match(tsrun('create', '--bundle', container.bundle.path, container.id), { status: 0, stderr: '' })
  t.equal(lstatSync(`${directory}/tsrun`).mode & 0o7777, 0o1700)
  t.match(tsrun('list', '-q'), { stdout: `${container.id}\n` })
  t.match(tsrun('delete', '--force', container.id), { status: 0, stderr: '' })
})

/** The user's runtime with its own choice of a root. */
function withoutRoot(user: User, scope: { root: string }): string[] {
  const [, ...line] = user.runner.commandLine([])
  return line.filter((word) => word !== '--root' && word !== scope.root)
}

test('the containers of somebody else are out of reach, and the error says so', (t, scope) => {
  const user = new User(scope)
  const container = scope.container()
  chmodSync(scope.root, 0o700)
  chownSync(scope.root, 0, 0)
  container.create()
  for (const args of [['list'], ['state', container.id], ['kill', container.id], ['delete', '--force', container.id]]) {
    t.match(user.runtime(args), { status: 1, stdout: '', stderr: /permission denied/ }, args.join(' '))
  }
  t.match(user.container().create(), { status: 1, stderr: /cannot make state directory .*--root/ })
})

test('a user’s container may share the network, or have one of its own with its own sysfs', (t, scope) => {
  const user = new User(scope)
  const report = user.probe((config) => {
    setNamespace(config, 'network')
    config.mounts.push({
      destination: '/sys',
      type: 'sysfs',
      source: 'sysfs',
      options: ['nosuid', 'noexec', 'nodev', 'ro'],
    })
  }, 'list /sys/class/net')
  t.same(tried(report, 'list /sys/class/net').entries, ['lo'])
})
