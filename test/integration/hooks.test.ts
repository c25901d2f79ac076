/** config.json: hooks: where, when and with what each kind runs. */
import { closeSync, existsSync, openSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setNamespace } from '../helpers/config.js'
import type { Container } from '../helpers/container.js'
import { awaitProcess } from '../helpers/peer.js'
import { parseReport, tried, type Report } from '../helpers/probe.js'
import type { Scope } from '../helpers/scope.js'
import { tool } from '../helpers/tools.js'
import { test } from '../helpers/test.js'

const kinds = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const
type Kind = (typeof kinds)[number]

/** Where the report of a hook goes: startContainer hooks see the container's files, the others the host's. */
const reportPath = (scope: Scope, kind: Kind): string => (kind === 'startContainer' ? '/tmp/report' : scope.path(kind))

const probing = (scope: Scope, kind: Kind, env?: string[]) => ({
  path: kind === 'startContainer' ? '/probe' : tool('probe'),
  args: ['probe', `to ${reportPath(scope, kind)}`, 'read /dev/stdin', 'list .'],
  ...(env === undefined ? {} : { env }),
})

/** A container with a probing hook of each kind, in namespaces of its own. */
function hooked(scope: Scope, env?: string[]): Container {
  return scope.container((config) => {
    for (const type of ['network', 'cgroup'] as const) setNamespace(config, type)
    config.annotations = { key: 'value' }
    config.hooks = Object.fromEntries(kinds.map((kind) => [kind, [probing(scope, kind, env)]]))
  })
}

function reportOf(scope: Scope, container: Container, kind: Kind): Report {
  const path = reportPath(scope, kind)
  return parseReport(readFileSync(kind === 'startContainer' ? join(container.bundle.rootfs, path) : path, 'utf8'))
}

interface HookState {
  ociVersion: string
  id: string
  pid: number
  status: string
  bundle: string
  annotations: Record<string, string>
}

const stateOf = (report: Report): HookState => JSON.parse(tried(report, 'read /dev/stdin').text ?? '') as HookState

const inRuntime = ['prestart', 'createRuntime', 'poststart', 'poststop'] as const
const inContainer = ['createContainer', 'startContainer'] as const
const namespaceNames = ['mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup'] as const

test('hooks of the runtime run in its namespaces, those of the container in the container’s', (t, scope) => {
  const container = hooked(scope)
  t.match(container.complete(), { status: 0, stderr: '' })
  container.delete()
  for (const kind of inRuntime) {
    const { namespaces } = reportOf(scope, container, kind)
    for (const name of namespaceNames)
      t.equal(namespaces[name], readlinkSync(`/proc/self/ns/${name}`), `${kind} ${name}`)
  }
  const program = container.report().namespaces
  for (const kind of inContainer) {
    const { namespaces } = reportOf(scope, container, kind)
    for (const name of namespaceNames) t.equal(namespaces[name], program[name], `${kind} ${name}`)
  }
})

test('each hook gets the state on its standard input', (t, scope) => {
  const container = hooked(scope)
  container.create()
  const { pid } = container.state()
  container.start()
  container.awaitEnd()
  container.delete()
  const statuses = {
    prestart: 'creating',
    createRuntime: 'creating',
    createContainer: 'creating',
    startContainer: 'created',
    poststop: 'stopped',
  } as const
  for (const kind of kinds) {
    const state = stateOf(reportOf(scope, container, kind))
    t.match(state, { id: container.id, bundle: container.bundle.path, annotations: { key: 'value' } }, kind)
    t.match(state.ociVersion, /^1\./)
    if (kind !== 'poststart') t.equal(state.status, statuses[kind], kind)
  }
  for (const kind of ['prestart', 'createRuntime'] as const) {
    t.equal(stateOf(reportOf(scope, container, kind)).pid, pid, `${kind}: the pid that the runtime sees`)
  }
  for (const kind of inContainer) {
    t.equal(stateOf(reportOf(scope, container, kind)).pid, 1, `${kind}: the pid that the container sees`)
  }
})

test('all hooks get the same document, the specification’s, but for status and pid', (t, scope) => {
  const container = hooked(scope)
  t.equal(container.complete().status, 0)
  const { ociVersion } = container.state()
  container.delete()
  const common = { ociVersion, id: container.id, bundle: container.bundle.path, annotations: { key: 'value' } }
  for (const kind of kinds) {
    const state = stateOf(reportOf(scope, container, kind))
    t.same(Object.keys(state), ['ociVersion', 'id', 'status', 'pid', 'bundle', 'annotations'], kind)
    const { status: _status, pid: _pid, ...rest } = state
    t.same(rest, common, kind)
  }
})

test('a poststart hook finds the container running', (t, scope) => {
  const container = hooked(scope)
  t.equal(container.complete().status, 0)
  t.equal(stateOf(reportOf(scope, container, 'poststart')).status, 'running')
})

test('a hook has exactly the environment of the config', (t, scope) => {
  const container = hooked(scope, ['A=1', 'B=two words', 'PATH=/nowhere'])
  t.equal(container.complete().status, 0)
  container.delete()
  for (const kind of kinds) {
    t.same(reportOf(scope, container, kind).env, ['A=1', 'B=two words', 'PATH=/nowhere'], kind)
  }
})

test('a hook without an environment has the caller’s, createContainer none, startContainer the program’s', (t, scope) => {
  const container = hooked(scope)
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', OF_THE_CALLER: 'yes' }
  const command = (...args: string[]) => scope.runtime([...args, container.id], { env }).status
  t.equal(command('create', '--bundle', container.bundle.path), 0)
  t.equal(command('start'), 0)
  container.awaitEnd()
  t.equal(command('delete'), 0)
  for (const kind of inRuntime) t.ok(reportOf(scope, container, kind).env.includes('OF_THE_CALLER=yes'), kind)
  // That of the image would decide what programs of the host load (CVE-2025-23266).
  t.same(reportOf(scope, container, 'createContainer').env, [])
  const { env: inside } = reportOf(scope, container, 'startContainer')
  t.ok(inside.includes('PATH=/bin'))
  t.ok(
    inside.some((entry) => entry.startsWith('HOME=')),
    'that init has found',
  )
  t.notOk(inside.includes('OF_THE_CALLER=yes'))
})

test('a hook has its own arguments and no descriptor of the runtime', (t, scope) => {
  const container = hooked(scope)
  t.equal(container.complete().status, 0)
  container.delete()
  for (const kind of kinds) {
    const { argv, fds } = reportOf(scope, container, kind)
    t.equal(argv[0], 'probe', kind)
    t.same(
      Object.keys(fds).filter((fd) => Number(fd) > 3),
      [],
      kind,
    )
  }
})

test('createContainer hooks begin in the rootfs, startContainer hooks in cwd', (t, scope) => {
  const container = hooked(scope)
  t.equal(container.complete().status, 0)
  const entries = tried(reportOf(scope, container, 'createContainer'), 'list .').entries ?? []
  t.ok(entries.includes('probe') && entries.includes('proc'))
  t.equal(reportOf(scope, container, 'startContainer').cwd, '/')
})

test('createRuntime hooks can furnish the container’s namespaces', (t, scope) => {
  const script =
    'pid=$(sed "s/.*\\"pid\\": *\\([0-9]*\\).*/\\1/"); nsenter --net=/proc/$pid/ns/net ip link add made type dummy ' +
    '|| nsenter --net=/proc/$pid/ns/net sysctl -w net.ipv4.ip_default_ttl=77'
  const report = scope.probe(
    (config) => {
      setNamespace(config, 'network')
      config.hooks = {
        createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', script], env: [`PATH=${process.env.PATH ?? ''}`] }],
      }
    },
    'read /proc/sys/net/ipv4/ip_default_ttl',
    'list /sys/class/net',
  )
  const devices = tried(report, 'list /sys/class/net').entries ?? []
  const ttl = tried(report, 'read /proc/sys/net/ipv4/ip_default_ttl').text
  t.ok(devices.includes('made') || ttl === '77\n')
})

test('createContainer hooks can still mount into the root', (t, scope) => {
  const script = 'mount -t tmpfs hook tmp && echo text > tmp/file'
  const report = scope.probe((config) => {
    config.hooks = {
      createContainer: [{ path: '/bin/sh', args: ['sh', '-c', script], env: [`PATH=${process.env.PATH ?? ''}`] }],
    }
  }, 'read /tmp/file')
  t.equal(tried(report, 'read /tmp/file').text, 'text\n')
})

test('hooks run at their moments: create, start or delete', (t, scope) => {
  const container = hooked(scope)
  const ran = () =>
    kinds.filter((kind) => {
      const path = reportPath(scope, kind)
      return existsSync(kind === 'startContainer' ? join(container.bundle.rootfs, path) : path)
    })
  container.create()
  t.same(ran(), ['prestart', 'createRuntime', 'createContainer'])
  container.start()
  container.awaitEnd()
  t.same(ran(), kinds.slice(0, 5))
  container.delete()
  t.same(ran(), [...kinds])
})

test('hooks of one kind run in their order, each after the end of the one before', (t, scope) => {
  const log = scope.path('log')
  const step = (text: string) => ({ path: '/bin/sh', args: ['sh', '-c', `echo ${text} >> ${log}`] })
  const container = scope.container((config) => {
    config.process.args = ['/bin/true']
    config.hooks = {
      prestart: [step('prestart 1'), step('prestart 2')],
      createRuntime: [step('createRuntime 1'), step('createRuntime 2')],
      createContainer: [step('createContainer 1'), step('createContainer 2')],
      poststart: [step('poststart 1'), step('poststart 2')],
      poststop: [step('poststop 1'), step('poststop 2')],
    }
  })
  t.equal(container.run().status, 0)
  const order = ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop']
  const expected = order.flatMap((kind) => [`${kind} 1`, `${kind} 2`])
  t.same(readFileSync(log, 'utf8').trim().split('\n'), expected)
})

test('a startContainer hook runs before the program, and sees its files', (t, scope) => {
  const container = scope.container((config) => {
    config.process.args = ['/bin/cat', '/tmp/made']
    config.hooks = { startContainer: [{ path: '/bin/sh', args: ['sh', '-c', 'echo by hook > /tmp/made'] }] }
  })
  t.match(container.run(), { status: 0, stdout: 'by hook\n' })
})

const shell = (script: string) => ({ path: '/bin/sh', args: ['sh', '-c', script], env: ['PATH=/usr/bin:/bin'] })

test('a hook may ignore its input and write a lot', (t, scope) => {
  const container = scope.container((config) => {
    config.annotations = { long: 'x'.repeat(100_000) }
    config.process.args = ['/bin/true']
    config.hooks = {
      createRuntime: [shell('exec <&-'), shell('head -c 300000 /dev/zero')],
      createContainer: [shell('head -c 300000 /dev/zero >&2')],
    }
  })
  t.equal(container.run().status, 0)
})

test('a hook may leave a daemon behind that has its streams', (t, scope) => {
  const release = scope.path('release')
  scope.runner.runProgram('mkfifo', [release])
  const container = scope.container((config) => {
    config.process.args = ['/bin/true']
    config.hooks = { createRuntime: [shell(`cat ${release} & echo $! > ${scope.path('daemon')}`)] }
  })
  t.equal(container.run().status, 0)
  const daemon = Number(readFileSync(scope.path('daemon'), 'utf8'))
  scope.runner.runProgram('tee', [release], { input: '' })
  awaitProcess(daemon)
})

test('what is preserved for the container does not reach the hooks of the runtime', (t, scope) => {
  const container = scope.container((config) => {
    const look = (kind: Kind) => [
      { path: '/bin/sh', args: ['sh', '-c', `test -e /proc/self/fd/3 && x=3; echo "got $x" > ${scope.path(kind)}`] },
    ]
    config.hooks = Object.fromEntries(inRuntime.map((kind) => [kind, look(kind)]))
  })
  const preserved = openSync(scope.path('preserved'), 'w')
  t.match(container.run(['--preserve-fds', '1'], { descriptors: [preserved] }), { status: 0, stderr: '' })
  closeSync(preserved)
  for (const kind of inRuntime) t.equal(readFileSync(scope.path(kind), 'utf8'), 'got \n', kind)
})

test('a startContainer hook runs under the filter of the program, whatever that forbids', (t, scope) => {
  const script = 'mkdir /tmp/made 2> /dev/null; echo $? > /tmp/status'
  // With the second call forbidden init itself could not run the hook under the filter.
  for (const names of [
    ['mkdir', 'mkdirat'],
    ['mkdir', 'mkdirat', 'memfd_create'],
  ]) {
    const container = scope.container((config) => {
      config.process.args = ['/bin/true']
      config.process.noNewPrivileges = true
      config.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names, action: 'SCMP_ACT_ERRNO' }] }
      config.hooks = { startContainer: [{ path: '/bin/sh', args: ['sh', '-c', script], env: ['PATH=/bin'] }] }
    })
    t.match(container.run(), { status: 0, stderr: '' })
    const read = (name: string) => readFileSync(join(container.bundle.rootfs, 'tmp', name), 'utf8')
    t.not(read('status'), '0\n', names.join())
    t.notOk(existsSync(join(container.bundle.rootfs, 'tmp/made')), names.join())
  }
})
