/** Command: update. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Resources } from 'tsrun'
import { commonParent, groupOf, hierarchyOf, readGroup } from '../helpers/cgroups.js'
import type { TestConfig } from '../helpers/config.js'
import type { Container } from '../helpers/container.js'
import { Lines } from '../helpers/runtime.js'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'

/** A container that waits, and the way to its `update`. */
function waiting(
  scope: Scope,
  resources: Resources = {},
): { container: Container; update: (...args: string[]) => string } {
  const container = scope.container((config) => {
    config.process.args = ['/probe', 'wait']
    config.linux.resources = resources as NonNullable<TestConfig['linux']['resources']>
  })
  const { status, stderr } = container.create()
  if (status !== 0) throw new Error(stderr)
  return { container, update: (...args) => scope.runtime(['update', ...args, container.id]).stderr }
}

const group = (container: Container, controller: string): string => groupOf(container.state().pid, controller)

const isLegacy = (controller: string): boolean => hierarchyOf(controller)?.version === 1

function quotaAndPeriod(container: Container): string {
  const directory = group(container, 'cpu')
  if (!isLegacy('cpu')) return readGroup(directory, 'cpu.max')
  return `${readGroup(directory, 'cpu.cfs_quota_us')} ${readGroup(directory, 'cpu.cfs_period_us')}`
}

const memoryLimit = (container: Container): string =>
  readGroup(group(container, 'memory'), isLegacy('memory') ? 'memory.limit_in_bytes' : 'memory.max')

test(
  'update changes memory by size with suffixes',
  (t, scope) => {
    const { container, update } = waiting(scope, { memory: { limit: 64 * 1024 * 1024 } })
    for (const [size, bytes] of [
      ['128m', 134217728],
      ['65536k', 67108864],
      ['0.5G', 536870912],
      ['100000256', 99999744],
    ] as const) {
      t.equal(update('--memory', size), '')
      t.equal(memoryLimit(container), String(bytes), size)
    }
    t.equal(update('--memory=-1'), '')
    t.match(memoryLimit(container), isLegacy('memory') ? /^9223372036854771712$/ : /^max$/)
    t.match(update('--memory', '12x'), /invalid value for memory: /)
  },
  { needs: ['cgroup:memory', 'tsrun'] },
)

test(
  'quota and period change each by itself',
  (t, scope) => {
    const { container, update } = waiting(scope, { cpu: { quota: 20000, period: 50000 } })
    t.equal(update('--cpu-quota', '30000'), '')
    t.equal(quotaAndPeriod(container), '30000 50000')
    t.equal(update('--cpu-period', '60000'), '')
    t.equal(quotaAndPeriod(container), '30000 60000')
    t.equal(update('--cpu-quota', '-1'), '')
    t.match(quotaAndPeriod(container), /^(max|-1) 60000$/)
  },
  { needs: ['cgroup:cpu'] },
)

test(
  'memory and swap may be raised and lowered together',
  (t, scope) => {
    const { container, update } = waiting(scope, { memory: { limit: 32 * 1024 * 1024, swap: 32 * 1024 * 1024 } })
    for (const size of ['64m', '16m', '128m']) {
      t.equal(update('--memory', size, '--memory-swap', size), '')
      t.equal(memoryLimit(container), String(Number(size.slice(0, -1)) * 1024 * 1024))
    }
  },
  { needs: ['cgroup:memory'] },
)

test(
  'update limits a container that was made without limits, with all its processes',
  async (t, scope) => {
    const container = scope.container((config) => {
      config.process.args = ['/bin/sh', '-c', 'sleep 1000 & sleep 1000 & echo ready; wait']
    })
    t.equal(await new Lines(container.spawn('run').stdout).next(), 'ready')
    t.match(scope.runtime(['update', '--pids-limit', '3', container.id]), { status: 0, stderr: '' })
    const directory = group(container, 'pids')
    t.equal(readGroup(directory, 'pids.max'), '3')
    t.equal(readGroup(directory, 'pids.current'), '3')
  },
  { needs: ['cgroup:pids', 'tsrun'] },
)

test(
  'when one value is rejected, all limits are as before',
  (t, scope) => {
    const { container, update } = waiting(scope, { cpu: { quota: 20000 }, pids: { limit: 9 } })
    // Too small for the kernel.
    const message = update('--pids-limit', '5', '--cpu-share', '300', '--cpu-period', '5')
    t.match(message, isLegacy('cpu') ? /cpu\.cfs_period_us to "5"/ : /cpu\.max to "20000 5"/)
    t.match(message, /invalid argument/)
    const file = isLegacy('cpu') ? 'cpu.shares' : 'cpu.weight'
    t.equal(readGroup(group(container, 'cpu'), file), isLegacy('cpu') ? '1024' : '100')
    t.equal(readGroup(group(container, 'pids'), 'pids.max'), '9')
    t.equal(quotaAndPeriod(container), '20000 100000')
    t.equal(update('--cpu-quota', '30000'), '', 'nor is the rejected period remembered')
    t.equal(quotaAndPeriod(container), '30000 100000')
  },
  { needs: ['cgroup:cpu', 'cgroup:pids', 'tsrun'] },
)

test(
  'update reads a document from a file or from stdin',
  (t, scope) => {
    const { container, update } = waiting(scope)
    const file = scope.path('resources.json')
    writeFileSync(file, JSON.stringify({ pids: { limit: 11 }, cpu: { shares: 2048 } }))
    t.equal(update('--resources', file, '--pids-limit', '5'), '', 'flags are ignored then')
    t.equal(readGroup(group(container, 'pids'), 'pids.max'), '11')
    const input = JSON.stringify({ pids: { limit: 12 }, devices: [{ allow: true, access: 'rwm' }], unknown: 1 })
    t.match(scope.runtime(['update', '--resources=-', container.id], { input }), { status: 0, stderr: '' })
    t.equal(readGroup(group(container, 'pids'), 'pids.max'), '12')
    t.match(
      scope.runtime(['update', '-r', '-', container.id], { input: '{"pids":{"limit":"x"}}' }).stderr,
      /pids\/limit/,
    )
    t.match(scope.runtime(['update', '-r', '-', container.id], { input: '{' }).stderr, /line 1/)
  },
  { needs: ['cgroup:cpu', 'cgroup:pids', 'tsrun'] },
)

test(
  'checkBeforeUpdate refuses a limit below what is used',
  (t, scope) => {
    const { container } = waiting(scope, { memory: { limit: 64 * 1024 * 1024 } })
    const input = JSON.stringify({ memory: { limit: 4096, checkBeforeUpdate: true } })
    const { status, stderr } = scope.runtime(['update', '-r', '-', container.id], { input })
    t.equal(status, 1)
    t.match(stderr, /unable to set memory limit to 4096 \(current usage: \d+/)
    t.equal(memoryLimit(container), '67108864')
  },
  { needs: ['cgroup-v2:memory'] },
)

test(
  'a stopped container cannot be updated',
  (t, scope) => {
    const { container, update } = waiting(scope)
    container.kill('KILL')
    container.awaitEnd()
    t.match(update('--pids-limit', '5'), /container not running/)
    t.match(scope.runtime(['update', '--pids-limit', '5', 'nobody']).stderr, /does not exist/)
  },
  { needs: ['cgroup:pids'] },
)

test(
  'the state keeps the limits as they are now',
  (t, scope) => {
    const { container, update } = waiting(scope, { cpu: { quota: 20000 }, pids: { limit: 9 } })
    t.equal(update('--pids-limit', '4', '--cpu-period', '50000'), '')
    const path = join(scope.root, container.id, 'state.json')
    const { limits, ...record } = JSON.parse(readFileSync(path, 'utf8')) as { limits: unknown }
    t.strictSame(limits, [
      { controller: 'cpu', limit: 'quota', value: 20000 },
      { controller: 'pids', limit: 'limit', value: 4 },
      { controller: 'cpu', limit: 'period', value: 50000 },
    ])
    writeFileSync(path, JSON.stringify({ ...record, resources: '{"cpu":{"quota":20000,"period":50000}}' }))
    t.equal(update('--cpu-quota', '30000'), '', 'the text that older ones kept is understood')
    t.equal(quotaAndPeriod(container), '30000 50000')
    const period = { controller: 'cpu', limit: 'period', value: 50000 }
    t.strictSame((JSON.parse(readFileSync(path, 'utf8')) as { limits: unknown[] }).limits[0], period)
  },
  { needs: ['cgroup:cpu', 'cgroup:pids', 'tsrun'] },
)

test(
  'in a pod with limits a container’s can be changed up to those of the pod, and it may become idle',
  (t, scope) => {
    const pod = commonParent(scope)
    const of = (name: string) => {
      const container = scope.container((config) => {
        config.process.args = ['/probe', 'wait']
        config.linux.cgroupsPath = join(pod, name)
      })
      t.match(container.create(), { status: 0, stderr: '' })
      return container
    }
    const container = of('member')
    const update = (...args: string[]) => scope.runtime(['update', ...args, container.id])
    const [directory, legacy] = [group(container, 'cpu'), isLegacy('cpu')]
    const [file, text] = legacy ? ['cpu.cfs_quota_us', '50000'] : ['cpu.max', '50000 100000']
    writeFileSync(join(directory, '..', file), text)
    t.match(update('--cpu-quota', '20000'), { status: 0, stderr: '' })
    t.match(update('--cpu-quota', '40000'), { status: 0, stderr: '' })
    t.equal(quotaAndPeriod(container), '40000 100000')
    // On cgroup v2 the kernel takes any; what the pod has counts all the same.
    if (legacy)
      t.match(update('--cpu-quota', '60000'), { status: 1, stderr: /cannot set cpu\.cfs_quota_us to "60000"/ })
    t.equal(quotaAndPeriod(container), '40000 100000')
    for (const idle of ['1', '0']) {
      t.match(update('--cpu-idle', idle), { status: 0, stderr: '' })
      t.equal(readGroup(directory, 'cpu.idle'), idle)
    }
  },
  { needs: ['cgroup:cpu', 'tsrun'] },
)
