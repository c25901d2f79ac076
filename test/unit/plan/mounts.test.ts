import t from 'tap'
import type { Mount } from '#dist/config/types.js'
import { UnsupportedError } from '#dist/errors.js'
import { mountAttr } from '#dist/config/vocabulary/mounts.js'
import { planMounts } from '#dist/plan/mounts.js'
import type { HostFacts } from '#dist/plan/types.js'
import { hybridHost, linux, unifiedHost } from './support.js'

const { rdonly, nosuid, noexec, atime, strictatime } = mountAttr

function planned(mounts: readonly Mount[], { facts = unifiedHost, mountLabel = '' } = {}) {
  const cgroup = { unified: '/sys/fs/cgroup/demo', v1: {} }
  return planMounts({
    config: linux({ mountLabel }, { mounts }),
    bundle: '/bundle',
    facts,
    cgroup,
    cgroupNamespace: true,
  })
}

/** The one step of a mount without anything delayed. */
function step(mount: Mount) {
  const { steps, finish } = planned([mount])
  t.strictSame(finish, [])
  t.equal(steps.length, 1)
  return steps[0]
}

const filesystem = {
  op: 'mountFilesystem',
  options: [],
  attrSet: 0,
  attrClear: 0,
  recursiveSet: 0,
  recursiveClear: 0,
  propagation: [],
  legacyFlags: 0,
  copyUp: false,
  parentSource: 0,
  idMapped: false,
  label: '',
}
const bind = {
  op: 'mountBind',
  destination: '/data',
  source: '/srv/data',
  recursive: false,
  noFollow: false,
  copyLink: false,
  coverLink: false,
  attrSet: 0,
  attrClear: 0,
  recursiveSet: 0,
  recursiveClear: 0,
  propagation: [],
  parentSource: 0,
  idMapped: false,
}

t.test('mounts keep the order of the config', (t) => {
  const destinations = ['/proc', '/a/b', '/a', '/proc/cpuinfo']
  const { steps } = planned(destinations.map((destination) => ({ destination, type: 'bind', source: '/x' })))
  t.strictSame(
    steps.map((step) => (step as { destination: string }).destination),
    destinations,
  )
  t.end()
})

t.test('a file system gets its options and attributes', (t) => {
  t.strictSame(step({ destination: '/proc', type: 'proc', source: 'proc' }), {
    ...filesystem,
    destination: '/proc',
    type: 'proc',
    source: 'proc',
  })
  const options = ['nosuid', 'strictatime', 'mode=755', 'sync', 'size=64k', 'rslave', 'rnoexec', 'iversion']
  t.strictSame(step({ destination: '/dev', type: 'tmpfs', source: 'none', options }), {
    ...filesystem,
    destination: '/dev',
    type: 'tmpfs',
    source: 'none',
    options: ['sync', 'mode=755', 'size=64k'],
    attrSet: nosuid | strictatime,
    recursiveSet: noexec,
    propagation: [524288 | 16384],
    legacyFlags: 8388608,
  })
  t.match(step({ destination: '/x', type: 'overlay' }), { source: 'overlay' }, 'the source may be absent')
  t.end()
})

t.test('read-only is a matter of the mount, and of the file system where that is not shared with the host', (t) => {
  for (const type of ['proc', 'sysfs', 'mqueue', 'devpts']) {
    t.match(step({ destination: '/x', type, options: ['ro'] }), { attrSet: rdonly, options: [] }, type)
  }
  for (const type of ['ext4', 'overlay', 'nfs']) {
    t.match(
      step({ destination: '/x', type, options: ['ro', 'a=b'] }),
      { attrSet: rdonly, options: ['a=b', 'ro'] },
      type,
    )
  }
  t.match(step({ destination: '/x', type: 'ext4', options: ['ro', 'rw'] }), { attrSet: 0, options: [] })
  t.end()
})

t.test('a bind mount is one by its option, whatever the type says', (t) => {
  const mount = { destination: '/data', source: '/srv/data' }
  t.strictSame(step({ ...mount, type: 'bind' }), bind)
  t.strictSame(step({ ...mount, options: ['bind'] }), bind)
  t.strictSame(step({ ...mount, type: 'tmpfs', options: ['rbind'] }), { ...bind, recursive: true })
  t.strictSame(
    step({ ...mount, type: 'none', options: ['rbind', 'ro', 'suid', 'noatime', 'rro', 'rprivate', 'sync'] }),
    {
      ...bind,
      recursive: true,
      attrSet: rdonly | mountAttr.noatime,
      attrClear: nosuid | atime,
      recursiveSet: rdonly,
      propagation: [262144 | 16384],
    },
  )
  t.end()
})

t.test('relative sources start at the bundle', (t) => {
  for (const [source, absolute] of [
    ['data', '/bundle/data'],
    ['./a/../b', '/bundle/b'],
    ['../x', '/x'],
    ['/abs', '/abs'],
  ]) {
    t.match(step({ destination: '/data', type: 'bind', source: source! }), { source: absolute })
  }
  t.throws(() => planned([{ destination: '/data', type: 'bind', source: '' }]), { code: 'ERR_TSRUN_CONFIG' })
  t.end()
})

t.test('a tmpfs and /dev become read-only when everything in them is made', (t) => {
  const late = (destination: string, recursive = false) => [
    { op: 'mountAttributes', destination, attrSet: rdonly, attrClear: 0, recursive },
  ]
  const of = (mount: Mount) => planned([mount])
  const tmpfs = of({ destination: '/run', type: 'tmpfs', options: ['ro', 'nosuid'] })
  t.match(tmpfs.steps, [{ attrSet: nosuid, options: [] }])
  t.strictSame(tmpfs.finish, late('/run'))
  t.strictSame(of({ destination: '/run', type: 'tmpfs', options: ['rro'] }).finish, late('/run', true))
  t.strictSame(of({ destination: '/run', type: 'tmpfs', options: ['ro', 'rw'] }).finish, [])
  const dev = of({ destination: '/dev', type: 'bind', source: '/dev', options: ['rbind', 'ro'] })
  t.match(dev.steps, [{ attrSet: 0 }])
  t.strictSame(dev.finish, late('/dev'))
  t.strictSame(of({ destination: '/data', type: 'bind', source: '/x', options: ['ro'] }).finish, [])
  t.end()
})

t.test('only a bind on /dev makes /dev the own affair of the container', (t) => {
  t.equal(planned([{ destination: '/dev', type: 'bind', source: '/dev' }]).devIsBind, true)
  t.equal(planned([{ destination: '/dev', type: 'tmpfs' }]).devIsBind, false)
  t.equal(planned([{ destination: '/dev/null', type: 'bind', source: '/dev/null' }]).devIsBind, false)
  t.equal(planned([{ destination: '/dev', options: ['remount', 'bind', 'ro'] }]).devIsBind, false)
  t.end()
})

t.test('tmpcopyup is for tmpfs', (t) => {
  t.match(step({ destination: '/x', type: 'tmpfs', options: ['tmpcopyup'] }), { copyUp: true, options: [] })
  t.match(step({ destination: '/x', type: 'proc', options: ['tmpcopyup'] }), { copyUp: false })
  t.end()
})

t.test('the mount label is for file systems that take labels', (t) => {
  const labels = (type: string) =>
    planned([{ destination: '/x', type }], { mountLabel: 'u:r:t:s0' }).steps.map(
      (step) => 'label' in step && step.label,
    )
  t.strictSame(labels('tmpfs'), ['context=u:r:t:s0'])
  t.strictSame(labels('proc'), [''])
  t.strictSame(labels('sysfs'), [''])
  t.end()
})

t.test('remount changes attributes, and refuses to pretend more', (t) => {
  const remount = (...options: string[]) => planned([{ destination: '/x', options: ['remount', ...options] }]).steps
  const attributes = { op: 'mountAttributes', destination: '/x', attrClear: 0, recursive: false }
  t.strictSame(remount('ro', 'nosuid'), [{ ...attributes, attrSet: rdonly | nosuid }])
  t.strictSame(remount('bind', 'ro', 'rnoexec'), [
    { ...attributes, attrSet: rdonly },
    { ...attributes, attrSet: noexec, recursive: true },
  ])
  t.strictSame(remount(), [])
  for (const option of ['size=1m', 'sync', 'rslave']) t.throws(() => remount(option), UnsupportedError, option)
  t.end()
})

t.test('a cgroup mount shows the hierarchies in which the container has a cgroup', (t) => {
  const of = (type: string, facts: HostFacts, options: string[] = [], cgroupNamespace = true) => {
    const v1 = { memory: '/sys/fs/cgroup/memory/demo', 'cpu,cpuacct': '/sys/fs/cgroup/cpu,cpuacct/demo' }
    const cgroup = { unified: '/sys/fs/cgroup/unified/demo', v1 }
    const config = linux({}, { mounts: [{ destination: '/sys/fs/cgroup', type, options }] })
    return planMounts({ config, bundle: '/bundle', facts, cgroup, cgroupNamespace }).steps[0]
  }
  const unified = {
    version: 2,
    unified: '/sys/fs/cgroup/unified/demo',
    names: [],
    paths: [],
    links: [],
    ownNamespace: true,
  }
  const whole = { ...unified, unified: '/sys/fs/cgroup', ownNamespace: false }
  t.match(of('cgroup', unifiedHost, [], false), whole, "without a namespace it is the host's")
  t.match(of('cgroup', unifiedHost), unified)
  t.match(of('cgroup2', hybridHost), unified)
  t.match(of('cgroup', hybridHost, ['ro', 'rnosuid']), {
    version: 1,
    // Not systemd: the container has no cgroup of its own there, and the runtime's is not its business.
    names: ['memory', 'cpu,cpuacct', 'unified'],
    paths: ['/sys/fs/cgroup/memory/demo', '/sys/fs/cgroup/cpu,cpuacct/demo', '/sys/fs/cgroup/unified/demo'],
    links: ['cpu=cpu,cpuacct', 'cpuacct=cpu,cpuacct'],
    attrSet: rdonly | nosuid,
  })
  t.end()
})
