/** config.json: linux.cgroupsPath and cgroup mounts. Limits have files of their own. */
import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { hierarchyOf } from '../helpers/cgroups.js'
import { setNamespace, type Change } from '../helpers/config.js'
import { cgroupMounts, cgroupsWith } from '../helpers/leaks.js'
import { tried, type MountInfo } from '../helpers/probe.js'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'

const waits: Change = (config) => {
  config.process.args = ['/probe', 'wait']
}

const cgroupMount = (...options: string[]) => ({
  destination: '/sys/fs/cgroup',
  type: 'cgroup',
  source: 'cgroup',
  options: ['nosuid', 'noexec', 'nodev', 'relatime', ...options],
})

/** Makes a cgroup in every hierarchy; gone at the end of the test. */
function makeParents(scope: Scope, path: string): void {
  for (const mount of cgroupMounts()) {
    const directory = join(mount, path)
    mkdirSync(directory, { recursive: true })
    scope.defer(() => rmdirSync(directory))
    // A new v1 cpuset takes no processes until it has CPUs.
    for (const name of ['cpuset.cpus', 'cpuset.mems']) {
      const file = join(directory, name)
      if (existsSync(file)) scope.runner.runProgram('sh', ['-c', `cat ${join(mount, name)} > ${file}`])
    }
  }
}

/** Paths of a process in the hierarchies that count and limit, or without such of cgroup v1, in the unified one. */
function pathsOf(pid: number): string[] {
  const own = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n')
  const controllers = ['memory', 'pids', 'cpu', 'devices']
  const hierarchies = own.filter((line) => controllers.some((name) => line.split(':')[1]?.split(',').includes(name)))
  return (hierarchies.length > 0 ? hierarchies : own).map((line) => line.split(':')[2] ?? '')
}

test('the container has a cgroup of its own in every hierarchy, named by its id', (t, scope) => {
  const container = scope.container(waits)
  container.create()
  // Already when create has returned.
  for (const path of pathsOf(container.state().pid)) t.equal(basename(path), container.id, path)
  t.ok(cgroupsWith(container.id).length > 0)
  container.delete(['--force'])
  t.same(cgroupsWith(container.id), [])
})

test('an absolute cgroupsPath is below the root of every hierarchy', (t, scope) => {
  const path = `/${scope.word}-group`
  const container = scope.container((config) => {
    waits(config)
    config.linux.cgroupsPath = path
  })
  t.equal(container.run(['--detach']).status, 0)
  for (const own of pathsOf(container.state().pid)) t.equal(own, path)
  t.equal(container.delete(['--force']).status, 0)
  t.same(cgroupsWith(scope.word), [])
})

test(
  'the unified hierarchy has the cgroup too',
  (t, scope) => {
    const container = scope.container(waits)
    container.create()
    const unified = readFileSync(`/proc/${container.state().pid}/cgroup`, 'utf8').match(/^0::(.*)$/m)?.[1]
    t.match(unified, container.id)
  },
  { needs: ['cgroup-unified'] },
)

test('a relative cgroupsPath stays below what the runtime may use', (t, scope) => {
  const container = scope.container((config) => {
    waits(config)
    config.linux.cgroupsPath = `../../../${scope.word}-relative`
  })
  t.equal(container.create().status, 0)
  const cgroups = readFileSync(`/proc/${container.state().pid}/cgroup`, 'utf8')
  t.match(cgroups, `/${scope.word}-relative`)
  t.notMatch(cgroups, /\.\./)
})

test('a cgroup in a parent that is there already is made in it, and alone removed', (t, scope) => {
  const parent = `/${scope.word}-parent`
  makeParents(scope, parent)
  const container = scope.container((config) => {
    waits(config)
    config.linux.cgroupsPath = `${parent}/child`
  })
  t.equal(container.create().status, 0)
  t.match(readFileSync(`/proc/${container.state().pid}/cgroup`, 'utf8'), `${parent}/child`)
  t.equal(container.delete(['--force']).status, 0)
  t.same(cgroupsWith('child'), [])
  t.ok(cgroupsWith(scope.word).length > 0)
})

test('a cgroup that has processes in it is refused, and they are left alone', (t, scope) => {
  const place: Change = (config) => {
    waits(config)
    config.linux.cgroupsPath = `/${scope.word}-shared`
  }
  const first = scope.container(place)
  t.equal(first.run(['--detach']).status, 0)
  const { status, stderr } = scope.container(place).create()
  t.equal(status, 1)
  t.match(stderr, /container's cgroup is not empty: \d+ process/)
  t.equal(first.state().status, 'running')
})

/** Directory of the hierarchy that a cgroup mount shows; `/..` begins those outside the namespace's root. */
const shown = (mounts: readonly MountInfo[]): string[] =>
  mounts.filter(({ type }) => type.startsWith('cgroup')).map(({ root }) => root)

test(
  'a cgroup mount shows the container its own cgroups, and nothing above',
  (t, scope) => {
    const container = scope.container((config) => {
      config.mounts.push(cgroupMount('ro'))
      config.process.args = ['/probe', 'list /sys/fs/cgroup']
    })
    t.equal(container.run().status, 0)
    const report = container.report()
    const roots = shown(report.mounts)
    t.ok(roots.length > 0)
    t.same(
      roots.filter((root) => !root.endsWith(`/${container.id}`)),
      [],
    )
  },
  { needs: ['cgroup-v1'] },
)

test('a cgroup mount in a cgroup namespace has the namespace’s root', (t, scope) => {
  const container = scope.container((config) => {
    setNamespace(config, 'cgroup')
    config.mounts.push(cgroupMount('ro'))
  })
  t.equal(container.run().status, 0)
  t.same(
    shown(container.report().mounts).filter((root) => root !== '/'),
    [],
  )
})

test('a read-only cgroup mount cannot be written to', (t, scope) => {
  const { mounts } = scope.probe((config) => config.mounts.push(cgroupMount('ro')))
  const ours = mounts.filter(({ type }) => type.startsWith('cgroup'))
  t.ok(ours.length > 0)
  const writes = ours.flatMap(({ point }) => [`mkdir ${point}/made`, `write ${point}/cgroup.procs 0`])
  const errorsWith = (...options: string[]): string[] => {
    const report = scope.probe((config) => config.mounts.push(cgroupMount(...options)), ...writes)
    return writes.map((words) => `${words}: ${tried(report, words).error}`)
  }
  t.same(
    errorsWith('ro'),
    writes.map((words) => `${words}: EROFS`),
  )
  t.same(
    errorsWith().filter((line) => line.endsWith('EROFS')),
    [],
    'without `ro` nothing is in the way of these writes',
  )
  for (const { point, options } of ours) {
    t.same(
      ['ro', 'nosuid', 'nodev', 'noexec'].filter((word) => !options.includes(word)),
      [],
      point,
    )
  }
})

test('cgroups that the container makes below its own are removed with it', (t, scope) => {
  const container = scope.container((config) => {
    config.mounts.push(cgroupMount())
    const script = 'for f in /sys/fs/cgroup/unified /sys/fs/cgroup/pids /sys/fs/cgroup; do mkdir -p $f/a/b; done; true'
    config.process.args = ['/bin/sh', '-c', script]
  })
  container.complete()
  t.ok(cgroupsWith(container.id).length > 0)
  t.equal(container.delete().status, 0)
  t.same(cgroupsWith(container.id), [])
})

test(
  'a cgroup mount takes the options of its hierarchy, and refuses what it does not know',
  (t, scope) => {
    for (const type of ['cgroup', 'cgroup2']) {
      const mounted = (option: string): Change => {
        return (config) => {
          setNamespace(config, 'cgroup')
          config.mounts.push({ ...cgroupMount('ro', option), type })
        }
      }
      t.match(scope.container(mounted('nonsense=1')).run(), {
        status: 1,
        stderr: new RegExp(`a mount of type ${type} has no option "nonsense=1"`),
      })
      t.match(scope.container(mounted('nsdelegate')).run(), { status: 0, stderr: '' })
    }
  },
  { needs: ['tsrun'] },
)

test('a cgroup mount of a container in the host’s cgroup namespace leaves the options of the host’s mount', (t, scope) => {
  const options = (): string[] =>
    readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(' - cgroup'))
      .map((line) => line.slice(line.indexOf(' - ')))
  const before = options()
  for (const type of ['cgroup', 'cgroup2']) {
    const container = scope.container((config) => {
      config.mounts = config.mounts.filter(({ destination }) => destination !== '/sys/fs/cgroup')
      config.mounts.push({ ...cgroupMount('ro'), type })
    })
    t.match(container.run(), { status: 0, stderr: '' })
    t.same(options(), before)
  }
})

test(
  'a parent cgroup without CPUs and memory nodes gets those of its own parent',
  (t, scope) => {
    const mount = hierarchyOf('cpuset')?.mountPoint ?? ''
    const parent = join(mount, scope.word)
    for (const hierarchy of cgroupMounts()) {
      const directory = join(hierarchy, scope.word)
      mkdirSync(directory)
      scope.defer(() => rmdirSync(directory))
    }
    const read = (directory: string, name: string): string => readFileSync(join(directory, name), 'utf8').trim()
    t.equal(read(parent, 'cpuset.cpus'), '')
    const container = scope.container((config) => {
      waits(config)
      config.linux.cgroupsPath = `/${scope.word}/below`
    })
    t.match(container.run(['--detach']), { status: 0, stderr: '' })
    for (const name of ['cpuset.cpus', 'cpuset.mems']) {
      t.equal(read(parent, name), read(mount, name))
      t.equal(read(join(parent, 'below'), name), read(mount, name))
    }
    container.delete(['--force'])
  },
  { needs: ['cgroup-v1:cpuset', 'tsrun'] },
)
