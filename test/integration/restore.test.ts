/** Command: restore: what a container has besides its processes is there again. */
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Counter, withCriu } from '../helpers/checkpoint.js'
import { dropNamespace, mapIds, setNamespace, type LinuxNamespaceType } from '../helpers/config.js'
import type { State } from '../helpers/container.js'
import { parseReport, tried } from '../helpers/probe.js'
import { ended } from '../helpers/runtime.js'
import type { Scope } from '../helpers/scope.js'
import { testWith } from '../helpers/test.js'
import { tool } from '../helpers/tools.js'

const test = testWith('tsrun', 'criu')
const done = { status: 0, stderr: '' }

const stateOf = (scope: Scope, id: string): State => JSON.parse(scope.runtime(['state', id]).stdout) as State

test('bind mounts come from the bundle’s config, and mount points are made where the rootfs has none', (t, scope) => {
  const volume = scope.path('volume')
  mkdirSync(volume)
  writeFileSync(join(volume, 'file'), 'one')
  const counter = new Counter(scope, (config) => {
    const bind = (destination: string, source: string): void =>
      void config.mounts.push({ destination, type: 'bind', source, options: ['rbind', 'ro'] })
    bind('/data', volume)
    bind('/etc/name', join(volume, 'file'))
    config.process.cwd = '/work'
    config.linux.maskedPaths = ['/proc/keys', '/proc/acpi']
    config.linux.readonlyPaths = ['/proc/sys']
  }).start()
  const { rootfs } = counter.container.bundle
  t.match(counter.checkpoint(), done)
  for (const name of ['data', 'etc', 'proc', 'sys', 'dev', 'work']) rmSync(join(rootfs, name), { recursive: true })
  const id = counter.newId()
  t.match(counter.restore(id, ['-d']), done)
  writeFileSync(join(volume, 'file'), 'two')
  t.equal(counter.ask(), 1)
  const script = 'cat /data/file /etc/name; true >/data/file || true >/proc/sys/kernel/hostname || wc -c </proc/keys'
  t.match(scope.runtime(['exec', id, '/bin/sh', '-c', script]), {
    stdout: 'twotwo0\n',
    stderr: /Read-only[^]*Read-only/,
  })
})

test('a mount below a recursive bind mount is there again', (t, scope) => {
  const volume = scope.path('volume')
  mkdirSync(volume)
  const below = scope.mountTmpfs('volume/below')
  writeFileSync(join(below, 'file'), 'below')
  const counter = new Counter(scope, (config) => {
    config.mounts.push({ destination: '/data', type: 'bind', source: volume, options: ['rbind'] })
  }).start()
  t.match(counter.checkpoint(), done)
  const id = counter.newId()
  t.match(counter.restore(id, ['-d']), done)
  t.match(scope.runtime(['exec', id, '/bin/cat', '/data/below/file']), { ...done, stdout: 'below' })
  t.equal(counter.ask(), 1)
})

test('prestart and createRuntime hooks run again, those of the container do not, and poststop hooks at its end', (t, scope) => {
  const hook = (name: string) => [{ path: tool('probe'), args: ['probe', `to ${scope.path(name)}`, 'read /dev/stdin'] }]
  const counter = new Counter(scope, (config) => {
    setNamespace(config, 'network')
    const kinds = ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop']
    config.hooks = Object.fromEntries(kinds.map((kind) => [kind, hook(kind)]))
  }).start()
  t.match(counter.checkpoint(), done)
  for (const kind of ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop'])
    rmSync(scope.path(kind), { force: true })
  const id = counter.newId()
  t.match(counter.restore(id, ['-d']), done)
  for (const kind of ['prestart', 'createRuntime']) {
    const { text } = tried(parseReport(readFileSync(scope.path(kind), 'utf8')), 'read /dev/stdin')
    t.match(JSON.parse(text ?? ''), { id, status: 'creating', pid: stateOf(scope, id).pid }, kind)
  }
  for (const kind of ['createContainer', 'poststart', 'poststop']) t.throws(() => readFileSync(scope.path(kind)), kind)
  t.match(scope.runtime(['delete', '--force', id]), done)
  t.ok(readFileSync(scope.path('poststop')))
})

test('with --empty-ns network the devices of linux.netDevices are moved in again', (t, scope) => {
  const counter = new Counter(scope, (config) => {
    setNamespace(config, 'network')
    config.linux.netDevices = { eth7: { name: 'inside' } }
  })
  const { bundle, id } = counter.container
  const images = ['--image-path', counter.images, '--empty-ns', 'network']
  // The runtime's network is a new one with this device.
  const script = 'ip link set lo up && ip tuntap add dev eth7 mode tap && exec "$@" </dev/null >/dev/null 2>&1'
  const withDevice = (...args: string[]) => {
    const line = scope.runner.commandLine([...args, '--bundle', bundle.path])
    return scope.runner.runProgram('unshare', ['--net', 'sh', '-c', script, 'sh', ...line, id], withCriu())
  }
  t.match(withDevice('run', '--detach'), done)
  t.equal(counter.ask(), 1)
  t.match(scope.runtime(['checkpoint', ...images, id], withCriu()), done)
  t.match(withDevice('restore', '--detach', ...images), done)
  t.match(scope.runtime(['exec', id, '/bin/cat', '/proc/net/dev']), { ...done, stdout: /^ *inside:/m })
  t.equal(counter.ask(), 2)
})

test('a hook that fails at restore leaves nothing behind', (t, scope) => {
  const counter = new Counter(scope).start()
  t.match(counter.checkpoint(), done)
  counter.container.bundle.config.hooks = { createRuntime: [{ path: '/bin/false' }] }
  counter.container.rewrite()
  const id = counter.newId()
  t.match(counter.restore(id, ['-d']), { status: 1, stderr: /error running createRuntime hook #0/ })
  t.match(scope.runtime(['state', id]), { status: 1 })
})

test('a terminal goes to the console socket again', async (t, scope) => {
  const counter = new Counter(scope, (config) => {
    config.process.terminal = true
    config.process.args = ['/bin/sh', '-c', 'read line </question; echo "got $line"']
  })
  const { container } = counter
  const first = await scope.peer('console', scope.path('first'))
  t.match(container.run(['--detach', '--console-socket', scope.path('first')]), done)
  t.match(counter.checkpoint(), done)
  await first.report()
  const second = await scope.peer('console', scope.path('second'))
  t.match(counter.restore(container.id, ['-d']), { status: 1, stderr: /without setting console socket/ })
  t.match(counter.restore(container.id, ['-d', '--console-socket', scope.path('second')]), done)
  counter.question.write('it\n')
  t.match(await second.report(), { descriptors: 1, shown: /got it\r\n/ })
  container.awaitEnd()
})

const joined = { network: 'net', pid: 'pid', ipc: 'ipc', uts: 'uts', time: 'time' } as const

for (const type of ['network', 'pid', 'ipc', 'uts', 'time'] as const) {
  test(`a ${type} namespace that is joined by path is joined again`, async (t, scope) => {
    const holder = scope.container((config) => {
      config.process.args = ['/probe', 'wait']
      setNamespace(config, type)
    })
    t.match(holder.run(['--detach']), done)
    const path = `/proc/${holder.state().pid}/ns/${joined[type]}`
    const counter = new Counter(scope, (config) => setNamespace(config, type, path)).startInForeground()
    t.equal(counter.ask(), 1)
    t.match(counter.checkpoint(), done)
    await counter.ended
    const id = counter.newId()
    t.match(counter.restore(id, ['-d']), done)
    t.equal(readlinkSync(`/proc/${stateOf(scope, id).pid}/ns/${joined[type]}`), readlinkSync(path))
    t.equal(counter.ask(), 2)
  })
}

test('a container in a user namespace goes on with its ids, and its files stay closed to others', (t, scope) => {
  const counter = new Counter(scope, (config) => {
    mapIds(config, 100_000)
    for (const type of ['network', 'cgroup'] satisfies LinuxNamespaceType[]) setNamespace(config, type)
  })
  scope.runner.runProgram('chown', ['-R', '100000:100000', counter.container.bundle.rootfs])
  counter.start()
  t.match(counter.checkpoint(), done)
  t.match(scope.runner.runProgram('stat', ['-c', '%a %u %g', counter.images]).stdout, '710 0 100000')
  const id = counter.newId()
  t.match(counter.restore(id, ['-d']), done)
  t.equal(counter.ask(), 1)
  t.match(readFileSync(`/proc/${stateOf(scope, id).pid}/status`, 'utf8'), /^Uid:\t100000\t100000/m)
  t.match(scope.runtime(['exec', id, '/bin/sh', '-c', 'cat /proc/self/uid_map']), {
    stdout: /^\s+0\s+100000\s+65536\n/,
  })
})

test('a container in a user namespace that is joined by path is refused by its place in the config, and runs on', (t, scope) => {
  const holder = scope.container((config) => {
    config.process.args = ['/probe', 'wait']
    mapIds(config, 100_000)
  })
  scope.runner.runProgram('chown', ['-R', '100000:100000', holder.bundle.rootfs])
  t.match(holder.run(['--detach']), done)
  const path = `/proc/${holder.state().pid}/ns/user`
  const counter = new Counter(scope, (config) => {
    setNamespace(config, 'user', path)
    for (const type of ['network', 'cgroup'] satisfies LinuxNamespaceType[]) setNamespace(config, type)
  })
  scope.runner.runProgram('chown', ['-R', '100000:100000', counter.container.bundle.rootfs])
  counter.start()
  t.equal(readlinkSync(`/proc/${counter.container.state().pid}/ns/user`), readlinkSync(path))
  t.match(counter.checkpoint(), { status: 1, stderr: /\/linux\/namespaces\/\d: CRIU cannot join a user namespace/ })
  t.equal(counter.ask(), 1)
})

test('what CRIU could not make again is refused by its place in the config', (t, scope) => {
  const counter = new Counter(scope).start()
  t.match(counter.checkpoint(), done)
  const { config } = counter.container.bundle
  const idmap = { destination: '/data', type: 'bind', source: scope.folder, options: ['bind', 'idmap'] }
  config.mounts.push({
    ...idmap,
    uidMappings: [{ containerID: 0, hostID: 7, size: 1 }],
    gidMappings: [{ containerID: 0, hostID: 7, size: 1 }],
  })
  setNamespace(config, 'cgroup', '/proc/1/ns/cgroup')
  counter.container.rewrite()
  const { status, stderr } = counter.restore(counter.newId(), ['-d'])
  t.equal(status, 1)
  t.match(stderr, /\/linux\/namespaces\/\d: CRIU cannot join a cgroup namespace/)
  t.match(stderr, /\/mounts\/4: CRIU cannot restore an id-mapped mount/)
})

test('a restored process has a session keyring of its own, which exec joins, and not that of who restores', (t, scope) => {
  const counter = new Counter(scope, (config) => {
    config.process.args = ['/bin/sh', '-c', 'read line </question; /probe >/answer; read line </question']
  }).start()
  t.match(counter.checkpoint(), done)
  const id = counter.newId()
  t.match(counter.restore(id, ['-d']), done)
  counter.question.write('\n')
  const { keyring } = parseReport(counter.answer.read())
  t.match(keyring, new RegExp(`[0-9a-f-]{36}_ses\\.${id}$`))
  t.equal(parseReport(scope.runtime(['exec', id, '/probe']).stdout).keyring, keyring)
})

for (const [flags, parent] of [
  [[], 'restore'],
  [['--no-subreaper'], 'the caller'],
] as const) {
  test(`orphans of a container in the foreground without a pid namespace go to ${parent}${flags.map((flag) => ` with ${flag}`).join()}`, async (t, scope) => {
    const counter = new Counter(scope, (config) => {
      dropNamespace(config, 'pid')
      config.process.args = [
        '/bin/sh',
        '-c',
        'read line </question; echo 1 >/answer; read line </question; (sleep 1000 & echo $! >/orphan); cat /orphan >/answer; read line </question',
      ]
    }).startInForeground()
    t.equal(counter.ask(), 1)
    t.match(counter.checkpoint(), done)
    // Its processes come back with their pids, which must be free.
    await counter.ended
    const args = ['restore', ...flags, '--image-path', counter.images, '--bundle', counter.container.bundle.path]
    const [program, ...rest] = scope.runner.commandLine([...args, counter.container.id])
    const child = spawn(program, rest, { stdio: 'ignore', ...withCriu() })
    counter.question.write('\n')
    const orphan = Number(counter.answer.read())
    const ppid = Number(/^PPid:\t(\d+)/m.exec(readFileSync(`/proc/${orphan}/status`, 'utf8'))?.[1])
    t.equal(ppid === child.pid, parent === 'restore', `its parent is ${ppid}`)
    counter.question.write('\n')
    t.match(await ended(child), { status: 0 })
  })
}

test('in the foreground restore ends as the container does, and removes it', async (t, scope) => {
  const counter = new Counter(scope, (config) => {
    config.process.args = ['/bin/sh', '-c', 'read line </question; exit 9']
  }).start()
  t.match(counter.checkpoint(), done)
  // Whoever writes to a fifo waits for who reads it.
  const { path } = counter.question
  const writer = spawn('/bin/sh', ['-c', 'echo >"$1"', 'sh', path], { stdio: 'ignore' })
  t.match(counter.restore(counter.container.id), { status: 9 })
  await ended(writer)
  t.match(scope.runtime(['state', counter.container.id]), { status: 1 })
})
