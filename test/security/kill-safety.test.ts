/** A pid in a record that another process has by now: it must never be signalled, waited for or taken for the container. */
import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attackTest } from '../helpers/attack.js'
import type { Container } from '../helpers/container.js'
import { awaitProcess } from '../helpers/peer.js'
import type { Scope } from '../helpers/scope.js'

/** A process that no container has anything to do with. */
function bystander(scope: Scope): { pid: number; child: ChildProcess } {
  const child = spawn('sleep', ['600'], { stdio: 'ignore' })
  scope.defer(() => void child.kill('SIGKILL'))
  return { pid: child.pid ?? 0, child }
}

/** Has the record name another process, as if the kernel had used the number again. */
function reuse(scope: Scope, container: Container, pid: number): void {
  const path = join(scope.root, container.id, 'state.json')
  const record = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  writeFileSync(path, JSON.stringify({ ...record, pid }))
}

const isAlive = (pid: number): boolean => !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))

attackTest('a process that has the pid of a stopped container is not signalled', (t, scope) => {
  const { pid } = bystander(scope)
  const container = scope.container()
  container.create()
  container.start()
  container.awaitEnd()
  reuse(scope, container, pid)
  t.match(container.state(), { status: 'stopped', pid: 0 })
  for (const signal of ['KILL', 'TERM', 'STOP']) t.match(container.kill(signal), { status: 1, stderr: /not running/ })
  container.kill('KILL', ['--all'])
  t.match(container.start(), { status: 1, stderr: /stopped/ })
  t.equal(container.delete(['--force']).status, 0)
  t.ok(isAlive(pid))
})

attackTest('nor is one that has the pid of a created or running container', (t, scope) => {
  const { pid } = bystander(scope)
  for (const started of [false, true]) {
    const container = scope.container((config) => {
      config.process.args = ['/probe', 'wait']
    })
    container.create()
    const own = container.state().pid
    if (started) container.start()
    reuse(scope, container, pid)
    t.equal(container.state().status, 'stopped')
    t.equal(container.kill('KILL').status, 1)
    t.ok(isAlive(pid))
    t.equal(container.delete().status, 0, 'what is left in its cgroup is ended')
    awaitProcess(own)
    t.ok(isAlive(pid))
  }
})

attackTest('a pid that is nobody’s, negative, or the whole group’s is never signalled', (t, scope) => {
  const { pid: group } = bystander(scope)
  for (const pid of [-1, -group, 4194304, 2 ** 40, 1.5]) {
    const container = scope.container()
    container.create()
    const own = container.state().pid
    container.kill('KILL')
    awaitProcess(own)
    reuse(scope, container, pid)
    t.not(container.kill('KILL').status, 0, String(pid))
    container.delete(['--force'])
    if (scope.runner.hasState(container.id)) scope.runner.runProgram('rm', ['-r', join(scope.root, container.id)])
    t.ok(isAlive(group))
  }
})
