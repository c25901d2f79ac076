/** Limits that systemd or the kernel takes amiss, and scopes that are frozen. In virtual machines where systemd is process 1, with cgroup v2 alone; see scripts/test-vm.mjs. */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { groupOf, readGroup } from '../helpers/cgroups.js'
import type { TestConfig } from '../helpers/config.js'
import type { Container } from '../helpers/container.js'
import { calls, errnos, withFault, type Fault, type FaultReport } from '../helpers/fault.js'
import type { Scope } from '../helpers/scope.js'
import { create, directoryOf, globals, reloadUnits, show, sleeper } from '../helpers/systemd.js'
import { testWith } from '../helpers/test.js'

const test = testWith('systemd', 'cgroup-v2', 'tsrun')

type Resources = NonNullable<TestConfig['linux']['resources']>

const limited = (scope: Scope, resources: Resources): Container =>
  sleeper(scope, (config) => void (config.linux.resources = resources))

const unitOf = ({ id }: Container): string => `tsrun-${id}.scope`

const reading = (container: Container) => {
  const group = groupOf(container.state().pid, 'pids')
  return (...files: string[]): string[] => files.map((file) => readGroup(group, file))
}

for (const resources of [{ pids: { limit: 0 } }, { unified: { 'pids.max': '0' } }] satisfies Resources[]) {
  test(`${JSON.stringify(resources)}: the container starts and can make no process; update of another limit leaves that so, one of this ends it`, (t, scope) => {
    const container = limited(scope, resources)
    create(t, container)
    t.match(container.start(), { status: 0, stderr: '' })
    const read = reading(container)
    t.same(read('pids.max'), ['0'])
    t.equal(show(unitOf(container), 'TasksMax').TasksMax, '1', 'the smallest number that systemd knows')
    const update = (...args: string[]) => scope.runtime(['update', ...args, container.id])
    t.match(update('--cpu-quota', '50000'), { status: 0, stderr: '' })
    t.same(read('pids.max', 'cpu.max'), ['0', '50000 100000'])
    t.match(update('--pids-limit', '5'), { status: 0, stderr: '' })
    t.same(read('pids.max'), ['5'])
    t.match(scope.runtime(['exec', container.id, '/bin/sh', '-c', '/bin/true & wait']), { status: 0, stderr: '' })
  })
}

test('values of unified with a unit are what they say, also for systemd; nonsense changes nothing', (t, scope) => {
  const container = limited(scope, { unified: { 'memory.high': '64M' } })
  create(t, container)
  const read = reading(container)
  t.same([read('memory.high'), show(unitOf(container), 'MemoryHigh').MemoryHigh], [['67108864'], '67108864'])
  const update = (unified: Record<string, string>) =>
    scope.runtime(['update', '-r', '-', container.id], { input: JSON.stringify({ unified }) })
  t.match(update({ 'memory.high': 'nonsense', 'pids.max': '9' }), { status: 1, stderr: /memory\.high.*nonsense/ })
  t.same(read('memory.high', 'pids.max'), ['67108864', 'max'])
  t.match(update({ 'memory.high': '32M' }), { status: 0, stderr: '' })
  reloadUnits()
  t.same(read('memory.high'), ['33554432'])
})

test('cpu.weight.nice of unified is kept, also when systemd reloads its units', (t, scope) => {
  const container = limited(scope, { unified: { 'cpu.weight.nice': '-5' } })
  create(t, container)
  const read = reading(container)
  t.same(read('cpu.weight.nice'), ['-5'])
  reloadUnits()
  t.same(read('cpu.weight.nice'), ['-5'])
})

for (const options of [globals, {}])
  test(`shares of an idle group cannot be changed, which the error says and nothing else (${options === globals ? 'systemd' : 'cgroupfs'})`, (t, scope) => {
    const container = limited(scope, { cpu: { idle: 1 } })
    t.match(container.create([], options), { status: 0, stderr: '' })
    const { status, stderr } = scope.runtime(['update', '--cpu-share', '2048', container.id])
    t.equal(status, 1)
    t.match(stderr, /^tsrun: [^\n]*cpu\.weight[^\n]*\n$/)
    t.notMatch(stderr, /cleaning up/)
    t.same(reading(container)('cpu.idle'), ['1'])
  })

test('a frozen directory where the scope is to be is refused at once, and stays', (t, scope) => {
  const container = limited(scope, {})
  const directory = directoryOf(unitOf(container))
  mkdirSync(directory)
  scope.defer(() => rmdirSync(directory))
  writeFileSync(`${directory}/cgroup.freeze`, '1')
  t.match(container.run(['--detach'], globals), { status: 1, stderr: /frozen/ })
  t.match(container.delete(['--force']), { status: 0, stderr: '' })
  t.match(readFileSync(`${directory}/cgroup.events`, 'utf8'), /^frozen 1$/m)
})

test('whichever wait for systemd fails, run leaves no scope behind', (t, scope) => {
  const { path } = scope.bundle((config) => (config.process.args = ['/bin/sleep', '1000']))
  const tried = (fault: Fault): FaultReport => {
    const id = scope.newId()
    const { status, report } = withFault(scope, ['run', '--detach', '--bundle', path, id], fault, globals)
    if (status === 0) scope.runtime(['delete', '--force', id], globals)
    return report
  }
  const [{ calls: count } = { calls: 0 }] = tried({ mode: 'count' }).processes
  // The waits are among the last calls. Whether systemd is still at work then is a matter of luck, hence the rounds.
  let waits = 0
  for (let call = count; call > count / 2; call--) {
    const fault = { mode: 'fail', process: 0, call, errno: errnos.ENOSPC } as const
    if (tried(fault).number !== calls.poll) continue
    waits++
    for (let round = 1; round < 10; round++) tried(fault)
    t.same(scope.leftovers(), [], `after failures of call ${call}`)
  }
  t.ok(waits > 2, `${waits} waits`)
})
