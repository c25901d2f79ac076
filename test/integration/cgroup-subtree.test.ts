/** What a container makes of the cgroups below its own: names, depth, and frozen ones. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { runOnlyV1 } from '../helpers/cgroup.js'
import { commonParent, groupOf } from '../helpers/cgroups.js'
import { dropNamespace, type Change } from '../helpers/config.js'
import { processesWith } from '../helpers/leaks.js'
import { awaitProcess } from '../helpers/peer.js'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'

const twoProcesses: Change = (config) => {
  dropNamespace(config, 'pid')
  config.process.args = ['/bin/sh', '-c', 'sleep 1000 & echo > /ready; sleep 1001']
}

/** Starts a container of three processes; the last of them is in no cgroup of its own yet. */
function start(scope: Scope, onlyV1: boolean, change: Change = twoProcesses) {
  const container = scope.container(change)
  const ready = container.fifo('ready')
  const run = ['run', '--detach', '--bundle', container.bundle.path, container.id]
  const { status, stderr } = onlyV1 ? runOnlyV1(scope, run) : scope.runtime(run)
  if (status !== 0) throw new Error(stderr)
  ready.read()
  const sleeper = processesWith(container.id).find(({ pid }) => pid !== container.state().pid)?.pid ?? 0
  return { container, sleeper }
}

/** Makes cgroups within each other, by their names alone, and moves a process into the innermost. */
function nest(directory: string, name: string, depth: number, pid: number): void {
  const script = `
    my ($at, $name, $depth, $pid) = @ARGV; $name = eval qq("$name");
    chdir $at or die $!;
    for (1 .. $depth) { mkdir $name or die $!; chdir $name or die $! }
    open(my $file, '>', 'cgroup.procs') or die $!; syswrite($file, $pid) or die $!;`
  execFileSync('perl', ['-e', script, directory, name, String(depth), String(pid)])
}

const kinds = [
  ['names that are not UTF-8', '\\xff\\xfe\\x80', 1],
  ['30 nested cgroups with names of 250 characters', 'n'.repeat(250), 30],
] as const

for (const [title, name, depth] of kinds) {
  for (const onlyV1 of [false, true]) {
    const body = (t: Test, scope: Scope): void => {
      for (const end of ['kill', 'delete'] as const) {
        const { container, sleeper } = start(scope, onlyV1)
        const group = groupOf(container.state().pid, onlyV1 ? 'pids' : '')
        nest(group, name, depth, sleeper)
        // The first hierarchy of cgroup v1 is where the processes of a container are looked for.
        const ps = scope.runtime(['ps', '-f', 'json', container.id])
        t.equal(ps.status, 0, ps.stderr)
        t.ok((JSON.parse(ps.stdout) as number[]).includes(sleeper), 'ps lists the process')
        if (end === 'kill') {
          t.equal(container.kill('KILL', ['--all']).status, 0)
          awaitProcess(sleeper)
        }
        t.match(container.delete(['--force']), { status: 0, stderr: '' })
        t.notOk(existsSync(group))
        t.same(processesWith(container.id), [])
      }
      t.same(scope.leftovers(), [])
    }
    const needs = onlyV1 ? (['tsrun', 'cgroup-unified', 'cgroup-v1'] as const) : (['tsrun', 'cgroup-unified'] as const)
    test(`ps, kill --all and delete --force know ${title}${onlyV1 ? ' (cgroup v1 alone)' : ''}`, body, {
      needs: [...needs],
    })
  }
}

test(
  'on cgroup v1 alone SIGKILL reaches processes that the container has frozen below its own cgroup',
  (t, scope) => {
    for (const end of ['kill', 'delete'] as const) {
      const { container, sleeper } = start(scope, true)
      const group = groupOf(container.state().pid, 'freezer')
      nest(group, 'inner', 2, sleeper)
      writeFileSync(join(group, 'inner', 'freezer.state'), 'FROZEN')
      if (end === 'kill') {
        t.equal(container.kill('KILL', ['--all']).status, 0)
        awaitProcess(sleeper)
      }
      t.match(container.delete(['--force']), { status: 0, stderr: '' })
      t.notOk(existsSync(group))
      t.same(processesWith(container.id), [])
    }
    t.same(scope.leftovers(), [])
  },
  { needs: ['tsrun', 'cgroup-unified', 'cgroup-v1'] },
)

test(
  'a cgroup that is frozen above the container stays so, and whoever asks is told',
  (t, scope) => {
    const parent = commonParent(scope)
    const { container } = start(scope, false, (config) => {
      twoProcesses(config)
      config.linux.cgroupsPath = `${parent}/a`
    })
    const above = join(groupOf(container.state().pid, ''), '..')
    t.equal(scope.runtime(['pause', container.id]).status, 0)
    writeFileSync(join(above, 'cgroup.freeze'), '1')
    t.match(scope.runtime(['--debug', 'resume', container.id]), {
      status: 0,
      stderr: `the cgroup ${above} above it is frozen`,
    })
    t.equal(container.state().status, 'running', 'it is not the container that is paused')
    writeFileSync(join(above, 'cgroup.freeze'), '0')
    t.equal(container.delete(['--force']).status, 0)
  },
  { needs: ['tsrun', 'cgroup-unified'] },
)

test(
  'delete --force of what is frozen above on cgroup v1 ends in time and says why',
  (t, scope) => {
    const parent = commonParent(scope)
    const { container } = start(scope, true, (config) => {
      twoProcesses(config)
      config.linux.cgroupsPath = `${parent}/a`
    })
    const { pid } = container.state()
    const above = join(groupOf(pid, 'freezer'), '..')
    writeFileSync(join(above, 'freezer.state'), 'FROZEN')
    scope.defer(() => {
      if (existsSync(above)) writeFileSync(join(above, 'freezer.state'), 'THAWED')
    })
    const { status, stderr } = container.delete(['--force'])
    t.equal(status, 1)
    t.match(
      stderr,
      new RegExp(`10 s after SIGKILL its init process is still there: ${pid} \\(\\w+, \\w\\); the cgroup ${above}`),
    )
    writeFileSync(join(above, 'freezer.state'), 'THAWED')
    t.match(container.delete(['--force']), { status: 0, stderr: '' })
  },
  { needs: ['tsrun', 'cgroup-unified', 'cgroup-v1'] },
)

for (const moved of ['init', 'another process'] as const) {
  test(
    `delete --force ends in time when ${moved} was moved into a frozen cgroup of others, and names that`,
    (t, scope) => {
      const { container, sleeper } = start(scope, false)
      const pid = moved === 'init' ? container.state().pid : sleeper
      const ice = join(groupOf(pid, 'freezer'), '..', `${scope.word}-ice`)
      mkdirSync(ice)
      scope.defer(() => {
        writeFileSync(join(ice, 'freezer.state'), 'THAWED')
        awaitProcess(pid)
        rmdirSync(ice)
      })
      writeFileSync(join(ice, 'cgroup.procs'), String(pid))
      writeFileSync(join(ice, 'freezer.state'), 'FROZEN')
      const { status, stderr } = container.delete(['--force'])
      t.equal(status, 1)
      t.match(stderr, new RegExp(`10 s .*: ${pid} \\(\\w+, \\w\\); the cgroup ${ice}`))
      t.equal(readFileSync(join(ice, 'freezer.state'), 'utf8'), 'FROZEN\n', 'what is not the container’s is left alone')
      writeFileSync(join(ice, 'freezer.state'), 'THAWED')
      t.match(container.delete(['--force']), { status: 0, stderr: '' })
    },
    { needs: ['tsrun', 'cgroup-unified', 'cgroup-v1'] },
  )
}
