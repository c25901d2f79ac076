/** Files of cgroup v2 by their names. */
import t from 'tap'
import { planLimits } from '#dist/plan/resources/plan.js'
import { failure, legacy, unified, writes } from './support.js'

t.test('files of unified are limits like others, or written as they are, and their controllers are needed', (t) => {
  const resources = { unified: { 'memory.high': ' 5\n', 'cgroup.max.depth': '3' }, pids: { limit: 9 } }
  t.strictSame(writes(resources, unified), ['memory.high=5', 'pids.max=9', 'cgroup.max.depth=3'])
  t.strictSame(planLimits(resources, unified).controllers, ['pids', 'memory'])
  for (const [file, value, written] of [
    ['memory.max', '64M', '67108864'],
    ['memory.min', '0x10k', '16384'],
    ['memory.low', '010', '8'],
    ['memory.swap.max', '0', '0'],
    ['memory.high', 'max', 'max'],
    ['cpu.max', 'max 50000', 'max 50000'],
    ['cpu.max', '20000', '20000 100000'],
    ['cpu.weight.nice', '-5', '-5~'],
    ['cpuset.cpus', '0-3:1/2', '0-3:1/2'],
    ['io.weight', 'default 50', '50'],
    ['io.max', '8:0 rbps=5', '8:0 rbps=5'],
  ] as const) {
    t.strictSame(writes({ unified: { [file]: value } }, unified), [`${file}=${written}`])
  }
  const both = { memory: { limit: 5 }, unified: { 'memory.max': '6' } }
  t.strictSame(writes(both, unified), ['memory.max=6'], 'the file wins')
  t.strictSame(writes({ unified: { 'pids.max': '0' } }, unified), ['late pids.max=0'])
  t.end()
})

t.test('what a file of unified does not take is refused by name, before anything is written', (t) => {
  for (const [file, value] of [
    ['memory.high', 'nonsense'],
    ['memory.max', '-1'],
    ['memory.max', '08'],
    ['pids.max', ''],
    ['cpu.max', '5 max'],
    ['cpu.weight', 'max'],
    ['io.weight', 'default'],
  ] as const) {
    t.match(
      failure({ unified: { [file]: value } }, unified),
      `ERR_TSRUN_CONFIG: /linux/resources/unified/${file}: ${JSON.stringify(value)} is not a value of this file`,
    )
  }
  for (const [key, message] of [
    ['../memory.max', 'must be a file name (no slashes)'],
    ['memory', 'must be in the form CONTROLLER.PARAMETER'],
    ['.max', 'must be in the form CONTROLLER.PARAMETER'],
    ['misc.max', 'can\'t be set: controller "misc" not available (not in /sys/fs/cgroup/cgroup.controllers)'],
  ] as const) {
    t.ok(
      failure({ unified: { [key]: '1' } }, unified).endsWith(`unified resource ${JSON.stringify(key)} ${message}`),
      key,
    )
  }
  t.match(failure({ unified: { 'memory.max': '1' } }, legacy), /the host has no cgroup v2 hierarchy/)
  t.end()
})
