/** The command `exec` and the cgroups of the container. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { groupOf } from '../helpers/cgroups.js'
import { exec, running } from '../helpers/exec.js'
import { cgroupMounts, cgroupsWith } from '../helpers/leaks.js'
import { ended, Lines } from '../helpers/runtime.js'
import { test } from '../helpers/test.js'

/** What is said of a path that leads out of the container's cgroup. */
const notBelow = /invalid --cgroup argument: .* is not a sub cgroup path/

test(
  '--cgroup places the process in an existing cgroup below the container’s, and nowhere else',
  (t, scope) => {
    const container = running(scope, (config) => {
      config.linux.cgroupsPath = `/${scope.word}`
    })
    const group = cgroupsWith(scope.word).find((path) => existsSync(join(path, 'cgroup.events')))
    if (group === undefined) throw new Error('the container has no unified cgroup')
    mkdirSync(join(group, 'sub'))
    const { stdout, status, stderr } = exec(scope, '--cgroup', 'sub', container.id, '/bin/cat', '/proc/self/cgroup')
    t.equal(status, 0, stderr)
    t.match(stdout, /^0::.*\/sub$/m)
    rmdirSync(join(group, 'sub'))
    for (const [path, reason] of [
      ['nothing', /\/nothing.*no such file or directory/],
      ['../..', notBelow],
      ['/../..', notBelow],
      ['sub/../..', notBelow],
      ['nothing:sub', /invalid --cgroup argument: the container has no cgroup of controller nothing$/m],
      [':sub', /invalid --cgroup argument: :sub \(empty <controller> prefix\)/],
    ] as const) {
      const result = exec(scope, '--cgroup', path, container.id, '/probe')
      t.match(result, { status: 255, stdout: '', stderr: reason }, path)
    }
  },
  { needs: ['cgroup-unified', 'tsrun'] },
)

test(
  'an empty --cgroup is the container’s own cgroup, as without it',
  (t, scope) => {
    const container = running(scope, (config) => {
      config.linux.cgroupsPath = `/${scope.word}`
    })
    const without = exec(scope, container.id, '/bin/cat', '/proc/self/cgroup')
    for (const path of ['', '/']) {
      t.match(exec(scope, '--cgroup', path, container.id, '/bin/cat', '/proc/self/cgroup'), {
        ...{ status: 0, stderr: '', stdout: without.stdout },
      })
    }
  },
  { needs: ['cgroup-unified', 'tsrun'] },
)

test(
  '--cgroup with a controller places the process below the container’s cgroup of that hierarchy alone',
  (t, scope) => {
    const container = running(scope, (config) => {
      config.linux.cgroupsPath = `/${scope.word}`
    })
    const sub = join(groupOf(container.state().pid, 'pids'), 'sub')
    mkdirSync(sub)
    const own = exec(scope, container.id, '/bin/cat', '/proc/self/cgroup').stdout.split('\n')
    const { status, stdout, stderr } = exec(
      scope,
      ...['--cgroup', 'pids:/sub', container.id, '/bin/cat', '/proc/self/cgroup'],
    )
    t.equal(status, 0, stderr)
    const expected = own.map((line) => (/^\d+:pids:/.test(line) ? `${line}/sub` : line))
    t.same(stdout.split('\n'), expected)
    for (const [wanted, reason] of [
      [['pids:nothing'], /\/nothing.*no such file or directory/],
      [['pids:../..'], notBelow],
      [['pids:sub', 'pids:sub'], /controller pids specified multiple times/],
      [['nothing:sub'], /the container has no cgroup of controller nothing$/m],
      [['sub', 'pids:'], /invalid --cgroup argument: sub \(missing <controller>: prefix\)/],
    ] as const) {
      const args = wanted.flatMap((path) => ['--cgroup', path])
      const result = exec(scope, ...args, container.id, '/probe')
      t.match(result, { status: 255, stdout: '', stderr: reason }, wanted.join(' '))
    }
    rmdirSync(sub)
  },
  { needs: ['cgroup-v1:pids', 'tsrun'] },
)

/** The directory of a container with this cgroupsPath in the unified hierarchy. */
function unifiedGroup(path: string): string {
  const group = cgroupMounts()
    .map((mount) => join(mount, path))
    .find((one) => existsSync(join(one, 'cgroup.events')))
  if (group === undefined) throw new Error('no unified cgroup')
  return group
}

test(
  'a paused container takes a process only with --ignore-paused, and then it begins with the others',
  async (t, scope) => {
    const container = running(scope, (config) => {
      config.linux.cgroupsPath = `/${scope.word}`
    })
    const freeze = join(unifiedGroup(scope.word), 'cgroup.freeze')
    writeFileSync(freeze, '1')
    scope.defer(() => existsSync(freeze) && writeFileSync(freeze, '0'))
    t.match(exec(scope, container.id, '/bin/true'), {
      status: 255,
      stderr: /cannot exec in a paused container \(use --ignore-paused to override\)/,
    })
    const child = scope.runner.spawn(['exec', '--ignore-paused', container.id, '/bin/echo', 'thawed'])
    const lines = new Lines(child.stdout)
    // Thawed only when the new process is there and waits with the others.
    const procs = join(unifiedGroup(scope.word), 'cgroup.procs')
    while (readFileSync(procs, 'utf8').trim().split('\n').length < 2)
      await new Promise((resolve) => setImmediate(resolve))
    writeFileSync(freeze, '0')
    t.equal(await lines.next(), 'thawed')
    t.same(await ended(child), { status: 0, signal: null })
  },
  { needs: ['cgroup-unified', 'tsrun'] },
)

test(
  'where the container’s cgroup is gone the process joins that of init, but never instead of --cgroup',
  (t, scope) => {
    const container = running(scope, (config) => {
      config.linux.cgroupsPath = `/${scope.word}/box`
    })
    const box = unifiedGroup(`${scope.word}/box`)
    const moved = join(box, '../moved')
    mkdirSync(moved)
    writeFileSync(join(moved, 'cgroup.procs'), String(container.state().pid))
    rmdirSync(box)
    const { status, stdout, stderr } = exec(scope, container.id, '/bin/cat', '/proc/self/cgroup')
    t.equal(status, 0, stderr)
    t.match(stdout, /^0::.*\/moved$/m)
    t.match(exec(scope, '--cgroup', 'sub', container.id, '/bin/true'), {
      status: 255,
      stderr: /\/box\/sub.*no such file or directory/,
    })
    container.kill('KILL')
    container.awaitEnd()
    t.equal(container.delete().status, 0)
    rmdirSync(moved)
    for (const mount of cgroupMounts()) rmdirIfAny(join(mount, scope.word))
  },
  { needs: ['cgroup-unified', 'tsrun'] },
)

test(
  'where the container’s cgroup takes no processes any more the new one joins that of init',
  (t, scope) => {
    const container = running(scope, (config) => {
      config.linux.cgroupsPath = `/${scope.word}/box`
    })
    const box = unifiedGroup(`${scope.word}/box`)
    const moved = join(box, '../..', `${scope.word}-moved`)
    mkdirSync(moved)
    writeFileSync(join(moved, 'cgroup.procs'), String(container.state().pid))
    // A threaded sibling makes it an invalid domain (cgroups(7)): EOPNOTSUPP. Beside v1 no controller is in the way.
    const threaded = join(box, '../threaded')
    mkdirSync(threaded)
    writeFileSync(join(threaded, 'cgroup.type'), 'threaded')
    t.equal(readFileSync(join(box, 'cgroup.type'), 'utf8'), 'domain invalid\n')
    const { status, stdout, stderr } = exec(scope, container.id, '/bin/cat', '/proc/self/cgroup')
    t.equal(status, 0, stderr)
    t.match(stdout, new RegExp(`^0::.*/${scope.word}-moved$`, 'm'))
    container.kill('KILL')
    container.awaitEnd()
    rmdirSync(threaded)
    t.equal(container.delete().status, 0)
    rmdirSync(moved)
    for (const mount of cgroupMounts()) rmdirIfAny(join(mount, scope.word))
  },
  { needs: ['cgroup-unified', 'cgroup-v1', 'tsrun'] },
)

test(
  'where the container has made its cgroup an inner one the new process joins that of init',
  (t, scope) => {
    const container = running(scope, (config) => {
      config.linux.cgroupsPath = `/${scope.word}`
    })
    const group = unifiedGroup(scope.word)
    const inner = join(group, 'inner')
    mkdirSync(inner)
    writeFileSync(join(inner, 'cgroup.procs'), String(container.state().pid))
    // Now it distributes a controller to cgroups below, so it takes no processes itself: EBUSY.
    writeFileSync(join(group, '../cgroup.subtree_control'), '+pids')
    writeFileSync(join(group, 'cgroup.subtree_control'), '+pids')
    const { status, stdout, stderr } = exec(scope, container.id, '/bin/cat', '/proc/self/cgroup')
    t.equal(status, 0, stderr)
    t.match(stdout, /^0::.*\/inner$/m)
    container.kill('KILL')
    container.awaitEnd()
  },
  { needs: ['cgroup-v2:pids', 'tsrun'] },
)

function rmdirIfAny(path: string): void {
  if (existsSync(path)) rmdirSync(path)
}
