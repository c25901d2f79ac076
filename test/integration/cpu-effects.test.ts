/** config.json: linux.resources.cpu by what the kernel counts and what a container notices. */
import type { Resources } from 'tsrun'
import { join } from 'node:path'
import { commonParent, groupOf, hierarchyOf, readGroup } from '../helpers/cgroups.js'
import type { Change } from '../helpers/config.js'
import type { Scope } from '../helpers/scope.js'
import { noteSeen } from '../helpers/seen.js'
import { test } from '../helpers/test.js'

type Cpu = NonNullable<Resources['cpu']>

const limited =
  (cpu: Cpu, script: string): Change =>
  (config) => {
    config.linux.resources = { cpu }
    config.process.args = ['/bin/sh', '-c', script]
  }

/** A number of cpu.stat after a container has done its work. */
function counted(scope: Scope, key: string, cpu: Cpu, script: string): number {
  const container = scope.container(limited(cpu, script))
  container.create()
  const directory = groupOf(container.state().pid, 'cpu')
  container.start()
  container.awaitEnd()
  const value = new RegExp(`^${key} (\\d+)$`, 'm').exec(readGroup(directory, 'cpu.stat'))?.[1]
  return Number(value)
}

const loop = (count: number): string => `i=0; while [ $i -lt ${count} ]; do i=$((i+1)); done`

/** More than a tick of CPU time, of which the kernel has 100 a second at least; and what is said of it. */
const quotas: Readonly<Record<string, { cpu: Cpu; throttles: boolean; what: string }>> = {
  'cpu.quota and period': {
    cpu: { quota: 2000, period: 50000 },
    throttles: true,
    what: 'a loop with 2 of 50 ms',
  },
  'cpu.quota without a period': { cpu: { quota: 2000 }, throttles: true, what: 'a loop with 2 of 100 ms' },
  'cpu.period without a quota': { cpu: { period: 50000 }, throttles: false, what: 'a loop, which nothing limits' },
}

for (const [field, { cpu, throttles, what }] of Object.entries(quotas)) {
  test(
    throttles ? `${field} throttles` : `${field} throttles nobody`,
    (t, scope) => {
      const times = counted(scope, 'nr_throttled', cpu, loop(10_000))
      t.equal(times > 0, throttles, String(times))
      noteSeen({ field, controller: 'cpu', effect: `${what}: \`nr_throttled ${times}\`` })
    },
    { needs: ['cgroup:cpu'] },
  )
}

/** Where the CPU time of containers is counted, and how a shell reads it. */
function account(): { mountPoint: string; read: string; perMillisecond: number } {
  const legacy = hierarchyOf('cpuacct')
  if (legacy !== undefined) {
    return { mountPoint: legacy.mountPoint, read: 'read -r time < /group/$1/cpuacct.usage', perMillisecond: 1e6 }
  }
  const { mountPoint = '' } = hierarchyOf('cpu') ?? {}
  return { mountPoint, read: 'read -r _ time < /group/$1/cpu.stat', perMillisecond: 1e3 }
}

/** Puts a container into a cgroup below one that it can read. */
const within =
  (parent: string, name: string): Change =>
  (config) => {
    config.linux.cgroupsPath = `${parent}/${name}`
    const source = join(account().mountPoint, parent)
    config.mounts.push({ destination: '/group', type: 'bind', source, options: ['rbind', 'ro'] })
  }

test(
  'with a burst a container may use what it has left over',
  (t, scope) => {
    const script = [
      'bursts() { while read -r key value; do [ $key = nr_bursts ] && break; done < /stat/cpu.stat; }',
      // Idle, so that something is left over, and then more than the quota. On a busy machine it takes several times.
      `n=0; while [ $n -lt 50 ]; do sleep 0.2; ${loop(20_000)}; n=$((n+1)); bursts; [ $value -gt 0 ] && break; done`,
      'echo $value',
    ].join('\n')
    const container = scope.container((config) => {
      limited({ quota: 2000, period: 50000, burst: 2000 }, script)(config)
      within(commonParent(scope), 'burst')(config)
      const source = join(hierarchyOf('cpu')?.mountPoint ?? '', config.linux.cgroupsPath ?? '')
      config.mounts.push({ destination: '/stat', type: 'bind', source, options: ['rbind', 'ro'] })
    })
    const { status, stdout, stderr } = container.run()
    t.match({ status, stderr }, { status: 0, stderr: '' })
    t.match(stdout, /^[1-9]\d*\n$/)
    noteSeen({
      field: 'cpu.burst',
      controller: 'cpu',
      effect: `after idle periods more than the quota: \`nr_bursts ${stdout.trim()}\``,
    })
  },
  { needs: ['cgroup:cpu'] },
)

/**
 * Lets two containers that never rest compete for one CPU. The one with the larger share measures, so that
 * neither ever has the CPU for itself meanwhile. It ends when it is far ahead and the other has had some time too,
 * after two seconds also when that has had none, after ten in any case.
 * @returns CPU time of both in ms
 */
function compete(scope: Scope, much: Cpu, little: Cpu): { much: number; little: number } {
  const { read, perMillisecond } = account()
  const parent = commonParent(scope)
  const script = [
    `time_of() { ${read}; time=$((time / ${perMillisecond / 1e3})); }`,
    'time_of little; little=$time; time_of much; much=$time; m=0; l=0',
    'until [ $m -gt 10000000 ] || [ $m -gt 300000 -a $m -gt $((l * 8)) ] && [ $l -gt 0 -o $m -gt 2000000 ]; do',
    `  ${loop(2000)}; time_of little; l=$((time - little)); time_of much; m=$((time - much))`,
    'done',
    'echo $m $l',
  ].join('\n')
  const place = (name: string, cpu: Cpu, what: string) =>
    scope.container((config) => {
      limited(hierarchyOf('cpuset') === undefined ? cpu : { ...cpu, cpus: '0' }, what)(config)
      within(parent, name)(config)
    })
  const other = place('little', little, 'while :; do :; done').run(['--detach'])
  if (other.status !== 0) throw new Error(other.stderr)
  const { stdout, stderr } = place('much', much, script).run()
  const [first, second] = stdout.split(' ').map(Number)
  if (first === undefined || second === undefined) throw new Error(stderr)
  return { much: first / 1000, little: second / 1000 }
}

const competitions: Readonly<Record<string, { much: Cpu; little: Cpu; what: string }>> = {
  'cpu.shares': { much: { shares: 16_384 }, little: { shares: 64 }, what: 'with 16384 shares against 64' },
  'cpu.idle': { much: {}, little: { idle: 1 }, what: 'against an idle container' },
}

for (const [field, { much, little, what }] of Object.entries(competitions)) {
  test(
    `of two containers on one CPU ${field} decides who gets it`,
    (t, scope) => {
      const time = compete(scope, much, little)
      t.ok(time.much > 8 * time.little, `${time.much} ms against ${time.little} ms`)
      noteSeen({
        field,
        controller: 'cpu',
        effect: `${what} on one CPU: ${time.much.toFixed(1)} ms of it, and ${time.little.toFixed(1)} ms`,
      })
    },
    { needs: ['cgroup:cpu', 'one-cpu'] },
  )
}

test(
  'only with time for it a container may have a real-time process',
  (t, scope) => {
    const container = (cpu: Cpu) =>
      scope.container((config) => {
        limited(cpu, '')(config)
        config.process.args = ['/bin/true']
        config.process.scheduler = { policy: 'SCHED_FIFO', priority: 1 }
      })
    const period = { realtimePeriod: 200_000 }
    t.match(container({ ...period, realtimeRuntime: 10_000 }).run(), { status: 0, stderr: '' })
    const { status, stderr } = container(period).run()
    t.equal(status, 1)
    t.match(stderr, /sched_setattr.*operation not permitted/)
    const field = 'cpu.realtimeRuntime and realtimePeriod'
    noteSeen({ field, controller: 'cpu', effect: 'a process may have SCHED_FIFO, with a runtime of 0 EPERM' })
  },
  { needs: ['cgroup:cpu', 'real-time-groups', 'sys-nice', 'tsrun'] },
)

const allowed: Readonly<Record<string, { cpu: Cpu; line: RegExp }>> = {
  'cpu.cpus': { cpu: { cpus: '0' }, line: /^Cpus_allowed_list:\t0$/m },
  'cpu.mems': { cpu: { mems: '0' }, line: /^Mems_allowed_list:\t0$/m },
}

for (const [field, { cpu, line }] of Object.entries(allowed)) {
  test(
    `${field} is what the container may use`,
    (t, scope) => {
      const { stdout } = scope.container(limited(cpu, 'cat /proc/self/status')).run()
      t.match(stdout, line)
      const [text = ''] = line.exec(stdout) ?? []
      noteSeen({ field, controller: 'cpuset', effect: `\`${text.replace('\t', ' ')}\` in /proc/self/status` })
    },
    { needs: ['cgroup:cpuset'] },
  )
}
