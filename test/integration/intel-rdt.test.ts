/** linux.intelRdt: groups of resctrl, on a stand-in for it. */
import { readFileSync, rmdirSync } from 'node:fs'
import type { Change, TestConfig } from '../helpers/config.js'
import type { Container } from '../helpers/container.js'
import { Resctrl } from '../helpers/resctrl.js'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'

type IntelRdt = NonNullable<TestConfig['linux']['intelRdt']>

const needs = ['fuse', 'tsrun'] as const

/** A container that waits. */
function container(scope: Scope, intelRdt?: IntelRdt, change?: Change): Container {
  return scope.container((config) => {
    config.process.args = ['/bin/sleep', '1000']
    if (intelRdt !== undefined) config.linux.intelRdt = intelRdt
    change?.(config)
  })
}

const create = (resctrl: Resctrl, { bundle, id }: Container) => resctrl.runtime('create', '--bundle', bundle.path, id)

test(
  'without a closID the container has a group of its own, which goes with it',
  async (t, scope) => {
    const resctrl = await Resctrl.mount(scope)
    const made = container(scope, { l3CacheSchema: 'L3:0=0F;1=f0', memBwSchema: 'MB:0=20;1=70', schemata: ['L3:1=3'] })
    t.match(create(resctrl, made), { status: 0, stderr: '' })
    t.same(resctrl.lines(`${made.id}/schemata`), ['L3:0=f;1=3', 'MB:0=20;1=70'], 'what comes later counts')
    t.same(resctrl.tasks(made.id), [made.state().pid])
    t.equal(made.start().status, 0)
    const pidFile = scope.path('pid')
    t.match(resctrl.runtime('exec', '--detach', '--pid-file', pidFile, made.id, '/bin/sleep', '1000'), { status: 0 })
    t.same(resctrl.tasks(made.id), [made.state().pid, Number(readFileSync(pidFile, 'utf8'))], 'exec joins it')
    t.match(resctrl.runtime('delete', '--force', made.id), { status: 0, stderr: '' })
    t.notOk(resctrl.has(made.id))
  },
  { needs },
)

test(
  'with memBwSchema the lines about memory in l3CacheSchema do not count',
  async (t, scope) => {
    const resctrl = await Resctrl.mount(scope)
    const made = container(scope, { l3CacheSchema: 'MB:0=50\nL3:0=1', memBwSchema: 'MB:1=30' })
    t.match(create(resctrl, made), { status: 0, stderr: '' })
    t.same(resctrl.lines(`${made.id}/schemata`), ['L3:0=1;1=ff', 'MB:0=100;1=30'])
  },
  { needs },
)

test(
  'a closID alone names a group that is there, and stays',
  async (t, scope) => {
    const resctrl = await Resctrl.mount(scope)
    const missing = container(scope, { closID: 'gold' })
    t.match(create(resctrl, missing), {
      status: 1,
      stderr: /resctrl group ".*\/gold" does not exist: without a schema/,
    })
    t.notOk(resctrl.has('gold'))
    resctrl.group('gold')
    const made = container(scope, { closID: 'gold' })
    t.match(create(resctrl, made), { status: 0, stderr: '' })
    t.same(resctrl.tasks('gold'), [made.state().pid])
    resctrl.runtime('delete', '--force', made.id)
    t.ok(resctrl.has('gold'))
    const everybody = container(scope, { closID: '/' })
    t.match(create(resctrl, everybody), { status: 0, stderr: '' })
    t.same(resctrl.tasks('.'), [everybody.state().pid])
  },
  { needs },
)

test(
  'a closID with schemata makes the group that others may share, if they ask for the same',
  async (t, scope) => {
    const resctrl = await Resctrl.mount(scope)
    const first = container(scope, { closID: 'gold', l3CacheSchema: 'L3:0=f;1=f' })
    t.match(create(resctrl, first), { status: 0, stderr: '' })
    const second = container(scope, { closID: 'gold', schemata: ['L3:1=0F'] })
    t.match(create(resctrl, second), { status: 0, stderr: '' })
    t.same(resctrl.tasks('gold'), [first.state().pid, second.state().pid])
    const other = container(scope, { closID: 'gold', l3CacheSchema: 'L3:0=f;1=3' })
    t.match(create(resctrl, other), {
      status: 1,
      stderr: /"\S+\/gold" exists with other schemata: it does not have L3:1=3/,
    })
    t.same(resctrl.lines('gold/schemata')[0], 'L3:0=f;1=f')
    resctrl.runtime('delete', '--force', first.id)
    resctrl.runtime('delete', '--force', second.id)
    t.ok(resctrl.has('gold'), 'it is not for a container to remove it')
    const failing = container(scope, { closID: 'silver', memBwSchema: 'MB:0=10' }, (config) => {
      config.process.args = ['/missing']
    })
    t.match(create(resctrl, failing), { status: 1 })
    t.notOk(resctrl.has('silver'), 'but where the create that has made it fails')
  },
  { needs },
)

test(
  'a group that is called as the container is not taken for its own',
  async (t, scope) => {
    const resctrl = await Resctrl.mount(scope)
    const made = container(scope, {})
    resctrl.group(made.id)
    t.match(create(resctrl, made), { status: 1, stderr: /resctrl group "\S+" exists already: use it by closID/ })
    t.ok(resctrl.has(made.id))
    rmdirSync(`${resctrl.path}/${made.id}`)
  },
  { needs },
)

test(
  'a schema that the kernel refuses is an error with its reason, and nothing is left',
  async (t, scope) => {
    const resctrl = await Resctrl.mount(scope)
    const cases: [IntelRdt, RegExp][] = [
      [
        { l3CacheSchema: 'L3:0=fff' },
        /cannot write "L3:0=fff" to "\S+\/schemata": .*invalid argument \(Mask out of range\)/,
      ],
      [{ schemata: ['L2:0=f'] }, /\(Unknown or unsupported resource name 'L2'\)/],
    ]
    for (const [intelRdt, message] of cases) {
      const made = container(scope, intelRdt)
      t.match(create(resctrl, made), { status: 1, stderr: message })
      t.notOk(resctrl.has(made.id))
    }
  },
  { needs },
)

test(
  'a monitoring group counts for the container alone, and goes with it; events tell all',
  async (t, scope) => {
    const resctrl = await Resctrl.mount(scope)
    resctrl.group('gold')
    const made = container(scope, { closID: 'gold', enableMonitoring: true })
    t.match(create(resctrl, made), { status: 0, stderr: '' })
    const monitor = `gold/mon_groups/${made.id}`
    t.same(resctrl.tasks(monitor), [made.state().pid])
    const statsOf = ({ id }: Container): unknown => {
      const { stdout } = resctrl.runtime('events', '--stats', id)
      return (JSON.parse(stdout) as { data: { intel_rdt: unknown } }).data.intel_rdt
    }
    const common = {
      l3_cache_info: { cbm_mask: 'ff', min_cbm_bits: 1, num_closids: 16 },
      l3_cache_schema_root: 'L3:0=ff;1=ff',
      l3_cache_schema: 'L3:0=ff;1=ff',
      mem_bw_info: { bandwidth_gran: 10, delay_linear: 1, min_bandwidth: 10, num_closids: 8 },
      mem_bw_schema_root: 'MB:0=100;1=100',
      mem_bw_schema: 'MB:0=100;1=100',
      schemata: ['L3:0=ff;1=ff', 'MB:0=100;1=100'],
    }
    t.same(statsOf(made), { ...common, mbm_stats: [{ mbm_total_bytes: 300 }], cmt_stats: [{ llc_occupancy: 4096 }] })
    resctrl.runtime('delete', '--force', made.id)
    t.notOk(resctrl.has(monitor))
    t.ok(resctrl.has('gold'))
    const own = container(scope, {})
    create(resctrl, own)
    t.same(statsOf(own), {
      ...common,
      mbm_stats: [{ mbm_total_bytes: 3000, mbm_local_bytes: 2000 }],
      cmt_stats: [{ llc_occupancy: 1048576 }],
    })
    const none = container(scope)
    create(resctrl, none)
    t.same(statsOf(none), {})
  },
  { needs },
)

test(
  'update changes the schemata, all or none',
  async (t, scope) => {
    const resctrl = await Resctrl.mount(scope)
    const made = container(scope, {})
    create(resctrl, made)
    const update = (...args: string[]) => resctrl.runtime('update', ...args, made.id)
    t.match(update('--l3-cache-schema', 'L3:0=7', '--mem-bw-schema', 'MB:1=40'), { status: 0, stderr: '' })
    const changed = ['L3:0=7;1=ff', 'MB:0=100;1=40']
    t.same(resctrl.lines(`${made.id}/schemata`), changed)
    t.match(update('--l3-cache-schema', 'L3:0=1', '--mem-bw-schema', 'MB:1=4'), {
      status: 1,
      stderr: /MB value out of range/,
    })
    t.same(resctrl.lines(`${made.id}/schemata`), changed)
    t.match(update('--mem-bw-schema', 'L3:0=1'), {
      status: 1,
      stderr: /memBwSchema: must be one line that begins with "MB:"/,
    })
    const everybody = container(scope, { closID: '/' })
    create(resctrl, everybody)
    t.match(resctrl.runtime('update', '--l3-cache-schema', 'L3:0=1', everybody.id), {
      status: 1,
      stderr: /are those of all processes that are in no group/,
    })
    t.same(resctrl.lines('schemata')[0], 'L3:0=ff;1=ff')
  },
  { needs },
)

test(
  'update gives a group to a container that has none, with all its processes',
  async (t, scope) => {
    const resctrl = await Resctrl.mount(scope)
    const made = container(scope, undefined, (config) => {
      config.process.args = ['/bin/sh', '-c', 'sleep 1000 & sleep 1000 & echo > /ready; wait']
    })
    const ready = made.fifo('ready')
    create(resctrl, made)
    made.start()
    ready.read()
    t.match(resctrl.runtime('update', '--l3-cache-schema', 'L3:0=fff', made.id), {
      status: 1,
      stderr: /Mask out of range/,
    })
    t.notOk(resctrl.has(made.id))
    t.match(resctrl.runtime('update', '--l3-cache-schema', 'L3:0=f', made.id), { status: 0, stderr: '' })
    t.equal(resctrl.tasks(made.id).length, 3)
    t.ok(resctrl.tasks(made.id).includes(made.state().pid))
    resctrl.runtime('delete', '--force', made.id)
    t.notOk(resctrl.has(made.id))
  },
  { needs },
)

test(
  'on a host without resctrl it is refused with what to do',
  (t, scope) => {
    const made = container(scope, {})
    t.match(made.create(), { status: 1, stderr: /linux\.intelRdt needs a mounted resctrl file system \(mount it/ })
    const running = container(scope)
    running.create()
    t.match(scope.runtime(['update', '--l3-cache-schema', 'L3:0=f', running.id]), {
      status: 1,
      stderr: /needs a mounted resctrl file system/,
    })
  },
  { needs: ['no-resctrl', 'tsrun'] },
)

test(
  'on a host without resctrl a closID alone changes nothing, which a warning says',
  (t, scope) => {
    const made = container(scope, { closID: 'gold' })
    const log = scope.path('log')
    const globals = ['--log', log, '--log-level', 'warning']
    t.match(made.create([], { globals }), { status: 0, stderr: '' })
    t.match(readFileSync(log, 'utf8'), /linux\.intelRdt has no effect: no resctrl file system is mounted/)
    const more = container(scope, { closID: 'gold', schemata: ['L3:0=f'] })
    t.match(more.create(), { status: 1, stderr: /linux\.intelRdt needs a mounted resctrl file system/ })
  },
  { needs: ['no-resctrl', 'tsrun'] },
)
