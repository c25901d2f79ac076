import t from 'tap'
import type { Linux, Seccomp } from '#dist/config/types.js'
import { compilePlan } from '#dist/plan/compile.js'
import { planEvent, type StepName } from '#dist/plan/steps.js'
import type { PlanOptions } from '#dist/plan/types.js'
import {
  config,
  hybridHost,
  input,
  linux,
  names,
  plan,
  processOf,
  stepOf,
  stepsOf,
  usualNamespaces,
} from './support.js'

const options: PlanOptions = { noPivot: false, noNewKeyring: false, preserveFds: 0, waitForStart: true }
const withOptions = (members: Partial<PlanOptions>) => ({ options: { ...options, ...members } })
const hook = [{ path: '/hook' }]
const notify = {
  defaultAction: 'SCMP_ACT_ALLOW',
  listenerPath: '/agent',
  syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }],
} as const satisfies Seccomp

/** Everything at once, but for what excludes each other. */
const everything = config({
  root: { path: 'rootfs', readonly: true },
  process: processOf({
    terminal: true,
    consoleSize: { height: 24, width: 80 },
    apparmorProfile: 'p',
    selinuxLabel: 'l',
    noNewPrivileges: true,
    capabilities: {},
    rlimits: [{ type: 'RLIMIT_CORE', soft: 0, hard: 0 }],
    scheduler: { policy: 'SCHED_OTHER' },
    ioPriority: { class: 'IOPRIO_CLASS_BE' },
    oomScoreAdj: 5,
  }),
  hostname: 'h',
  domainname: 'd',
  mounts: [{ destination: '/run', type: 'tmpfs', options: ['ro'] }],
  hooks: { prestart: hook, createContainer: hook, startContainer: hook },
  linux: {
    namespaces: [...usualNamespaces, { type: 'cgroup' }, { type: 'user' }, { type: 'time' }],
    uidMappings: [{ containerID: 0, hostID: 1000, size: 10 }],
    gidMappings: [{ containerID: 0, hostID: 2000, size: 10 }],
    cgroupsPath: '/a',
    rootfsPropagation: 'rshared',
    maskedPaths: ['/m', '/m'],
    readonlyPaths: ['/r', '/r'],
    sysctl: { 'net.a': '1' },
    personality: { domain: 'LINUX' },
    seccomp: { defaultAction: 'SCMP_ACT_ALLOW' },
  },
})

t.test('all steps come in the order that init can obey', (t) => {
  const facts = { ...hybridHost, apparmor: true, selinux: true }
  const { steps } = plan(everything, { facts })
  const expected: StepName[] = [
    ...([
      'oomScoreAdj',
      'joinCgroups',
      'unshareTime',
      'fork',
      'barrier',
      'becomeRoot',
      'unshareCgroup',
      'newSession',
    ] as const),
    ...(['keyring', 'loopback', 'hostname', 'domainname', 'propagation', 'rootfs', 'mountFilesystem'] as const),
    ...Array.from({ length: 6 }, () => 'device' as const),
    ...Array.from({ length: 6 }, () => 'symlink' as const),
    ...(['barrier', 'umask', 'hook', 'pivotRoot', 'propagation', 'workingDirectory', 'console'] as const),
    ...(['controllingTerminal', 'stdio'] as const),
    ...(['mountAttributes', 'mountAttributes', 'umask', 'apparmor', 'sysctl', 'readonlyPath', 'mask'] as const),
    ...(['noNewPrivileges', 'scheduler', 'ioPriority', 'personality', 'rlimit', 'affinity', 'selinux'] as const),
    ...([
      'boundingSet',
      'user',
      'capabilities',
      'program',
      'seccomp',
      'barrier',
      'awaitStart',
      'hook',
      'exec',
    ] as const),
  ]
  t.strictSame(names(steps), expected)
  t.match(stepOf(steps, 'console'), { rows: 24, columns: 80, bind: true })
  t.match(stepOf(steps, 'mask'), { paths: ['/m'] })
  t.strictSame(
    stepsOf(steps, 'mountAttributes').map(({ destination }) => destination),
    ['/run', '/'],
  )
  t.end()
})

t.test('the parent knows its part', (t) => {
  const { waits, terminal, uidMappings, gidMappings, cgroup, warnings } = plan(everything, {
    facts: { ...hybridHost, apparmor: true, selinux: true },
  })
  t.strictSame(waits, ['namespaces', 'mounts'])
  t.strictSame([terminal, warnings], [true, []])
  t.strictSame(uidMappings, everything.linux?.uidMappings)
  t.strictSame(gidMappings, everything.linux?.gidMappings)
  t.equal(cgroup.v1.memory, '/sys/fs/cgroup/memory/a')
  t.end()
})

t.test('the least container has the least plan', (t) => {
  const made = plan(config(), withOptions({ noNewKeyring: true, waitForStart: false, cgroupManager: 'disabled' }))
  const { steps } = made
  t.match(made, { cloneFlags: 0, cgroup: { v1: {} }, waits: [], preserveFds: 0, terminal: false })
  for (const absent of ['denySetgroups', 'uidMappings', 'gidMappings', 'seccompListener'])
    t.notOk(absent in made, absent)
  t.strictSame(
    names(steps).filter((name) => name !== 'device' && name !== 'symlink'),
    ['newSession', 'rootfs', 'chroot', 'workingDirectory', 'stdio', 'umask', 'user', 'program', 'barrier', 'exec'],
  )
  t.end()
})

t.test('barriers are there for those who wait', (t) => {
  const events = (hooks: Parameters<typeof linux>[1]) =>
    stepsOf(plan(linux({}, hooks)).steps, 'barrier').map(({ event, wait }) => [event, wait])
  const created = [planEvent.created, false]
  t.strictSame(events({}), [created])
  t.strictSame(events({ hooks: { createRuntime: hook } }), [[planEvent.mounts, true], created])
  t.strictSame(events({ hooks: { prestart: [], poststop: hook, createContainer: hook } }), [created])
  t.end()
})

t.test('the way to the root depends on who owns the mounts', (t) => {
  const way = (members: Partial<Linux>, noPivot = false) =>
    names(plan(config({ linux: members }), withOptions({ noPivot })).steps).filter((name) =>
      /root|propagation/i.test(name),
    )
  const mount = [{ type: 'mount' }] as const
  t.strictSame(way({ namespaces: mount }), ['propagation', 'rootfs', 'pivotRoot'])
  t.strictSame(way({ namespaces: mount }, true), ['propagation', 'rootfs', 'moveRoot'])
  t.strictSame(way({ namespaces: [{ type: 'mount', path: '/ns' }] }), ['rootfs', 'pivotRoot'])
  t.strictSame(way({}), ['rootfs', 'chroot'])
  t.end()
})

t.test('mounts of the host propagate as configured, before and after the change of root', (t) => {
  const flags = (rootfsPropagation?: Linux['rootfsPropagation']) =>
    stepsOf(plan(linux(rootfsPropagation ? { rootfsPropagation } : {})).steps, 'propagation').map(
      ({ flags, recursive }) => `${recursive ? 'r' : ''}${flags}`,
    )
  const [unbindable, priv, slave, shared] = [1 << 17, 1 << 18, 1 << 19, 1 << 20]
  t.strictSame(flags(), [`r${slave}`])
  t.strictSame(flags('rprivate'), [`r${priv}`, `r${priv}`])
  t.strictSame(flags('shared'), [String(shared), String(shared)])
  t.strictSame(flags('slave'), [String(slave), String(slave)])
  t.strictSame(flags('runbindable'), [`r${slave}`, `r${unbindable}`], 'what is unbindable cannot become the rootfs')
  t.throws(() => plan(linux({ rootfsPropagation: 'rprivate' }), withOptions({ noPivot: true })), {
    code: 'ERR_TSRUN_CONFIG',
    message: /rprivate is not safe without pivot_root/,
  })
  t.end()
})

t.test('a bind on /dev is left as it is', (t) => {
  const { steps } = plan(linux({}, { mounts: [{ destination: '/dev', type: 'bind', source: '/dev' }] }))
  t.strictSame([...stepsOf(steps, 'device'), ...stepsOf(steps, 'symlink')], [])
  t.end()
})

t.test('the filter is loaded where the privileges for it are', (t) => {
  const around = (process: Parameters<typeof processOf>[0], seccomp: Seccomp = { defaultAction: 'SCMP_ACT_ALLOW' }) => {
    const { steps } = plan(linux({ seccomp }, { process: processOf(process) }))
    const [before, own, after] = names(steps).slice(names(steps).indexOf('seccomp') - 1)
    return [before, own, after, stepOf(steps, 'seccomp').late, stepsOf(steps, 'capabilities')[0]?.reserve]
  }
  const last = ['program', 'seccomp', 'barrier']
  const tight: Seccomp = { defaultAction: 'SCMP_ACT_ERRNO' }
  t.strictSame(around({ noNewPrivileges: true, capabilities: {} }), [...last, false, 0n])
  t.strictSame(around({ capabilities: {} }), [...last, false, 1n << 21n])
  t.strictSame(around({ noNewPrivileges: true, capabilities: {} }, tight), [...last, true, 0n])
  t.strictSame(around({ capabilities: {} }, tight), [...last, true, 1n << 21n])
  t.strictSame(around({ capabilities: {} }, notify), [...last, false, 1n << 21n])
  t.strictSame(around({ user: { uid: 5 } }), ['affinity', 'seccomp', 'user', false, undefined])
  t.end()
})

t.test('who listens to a filter is told to the parent', (t) => {
  t.strictSame(plan(linux({ seccomp: { ...notify, listenerMetadata: 'm' } })).seccompListener, {
    path: '/agent',
    metadata: 'm',
  })
  t.end()
})

t.test('confinement that the host cannot give is refused', (t) => {
  const refused = (container: Parameters<typeof plan>[0]) => () => plan(container)
  const unsupported = { code: 'ERR_TSRUN_UNSUPPORTED' }
  t.throws(refused(config({ process: processOf({ apparmorProfile: 'p' }) })), unsupported)
  t.throws(refused(config({ process: processOf({ selinuxLabel: 'l' }) })), unsupported)
  t.throws(refused(linux({ mountLabel: 'l' })), unsupported)
  const { steps } = plan(config({ process: processOf({ apparmorProfile: 'unconfined', selinuxLabel: '' }) }))
  t.strictSame([...stepsOf(steps, 'apparmor'), ...stepsOf(steps, 'selinux')], [])
  t.end()
})

t.test('descriptors of socket activation count as preserved', (t) => {
  const made = plan(config(), withOptions({ preserveFds: 2, listenFds: 3 }))
  t.equal(made.preserveFds, 5)
  t.match(stepOf(made.steps, 'program').env, ['LISTEN_FDS=3', 'LISTEN_PID=1'])
  t.end()
})

t.test('planning changes nothing and depends on nothing but its input', (t) => {
  const facts = { ...hybridHost, apparmor: true, selinux: true }
  const before = structuredClone(everything)
  t.strictSame(compilePlan(input(everything, { facts })), compilePlan(input(everything, { facts })))
  t.strictSame(everything, before)
  t.end()
})
