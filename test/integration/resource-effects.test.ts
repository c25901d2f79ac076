/** config.json: limits of linux.resources by what a container notices of them. */
import type { Resources } from 'tsrun'
import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { runOnlyV1 } from '../helpers/cgroup.js'
import { blockDevice, groupOf, hierarchyOf, readGroup } from '../helpers/cgroups.js'
import type { TestConfig } from '../helpers/config.js'
import { addHugePages, mapHugePages } from '../helpers/huge-pages.js'
import { tried } from '../helpers/probe.js'
import { ended, Lines } from '../helpers/runtime.js'
import { noteSeen } from '../helpers/seen.js'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'

type TestResources = NonNullable<TestConfig['linux']['resources']>

const device = blockDevice() ?? { major: 0, minor: 0 }
const mebi = 1024 * 1024

/** Seconds that dd takes, reading and writing /file, in a container with these limits. */
function secondsOfDd(scope: Scope, blockIO: Resources['blockIO'], options: string): number[] {
  const uptime = 'read -r now _ < /proc/uptime; echo $now'
  const read = `busybox dd if=/file of=/dev/null iflag=direct ${options} 2>/dev/null || exit 1`
  const write = `busybox dd if=/dev/zero of=/file oflag=direct conv=notrunc ${options} 2>/dev/null || exit 1`
  const container = scope.container((config) => {
    config.process.args = ['/bin/sh', '-c', [uptime, read, uptime, write, uptime].join('; ')]
    config.linux.resources = { blockIO } as TestResources
  })
  writeFileSync(join(container.bundle.rootfs, 'file'), Buffer.alloc(2 * mebi), { flush: true })
  const { status, stdout, stderr } = container.run()
  if (status !== 0) throw new Error(`dd ended with status ${status}: ${stderr}`)
  const [before = 0, between = 0, after = 0] = stdout.split('\n').map(Number)
  return [between - before, after - between]
}

/** Each takes a second; without limits it is a matter of milliseconds. */
const throttles: Readonly<Record<string, { blockIO: Resources['blockIO']; dd: string }>> = {
  '1 MiB': {
    blockIO: {
      throttleReadBpsDevice: [{ ...device, rate: mebi }],
      throttleWriteBpsDevice: [{ ...device, rate: mebi }],
    },
    dd: 'bs=128k count=10',
  },
  '10 operations': {
    blockIO: {
      throttleReadIOPSDevice: [{ ...device, rate: 10 }],
      throttleWriteIOPSDevice: [{ ...device, rate: 10 }],
    },
    dd: 'bs=4k count=12',
  },
}

for (const [rate, { blockIO, dd }] of Object.entries(throttles)) {
  test(
    `with limits of ${rate} a second reading and writing wait`,
    (t, scope) => {
      const seconds = secondsOfDd(scope, blockIO, dd)
      // A tenth of a second's worth passes at once. On a busy machine it can only take longer.
      t.ok(
        seconds.every((one) => one > 0.8),
        seconds.join(),
      )
      const [read, write] = seconds.map((one) => one.toFixed(2))
      const effect = `within ${rate} a second, \`dd ${dd}\` takes ${read} s to read, ${write} s to write`
      noteSeen({ field: 'blockIO.throttle{Read,Write}{Bps,IOPS}Device', controller: 'io', effect })
    },
    { needs: ['cgroup:io', 'files-on-block-device'] },
  )
}

/** A block device of the machine whose io.cost is on for the test, so that it takes weights. */
function weighedDevice(scope: Scope): { major: number; minor: number } {
  const qos = join(hierarchyOf('io')?.mountPoint ?? '', 'io.cost.qos')
  const set = (value: number): void => writeFileSync(qos, `${device.major}:${device.minor} enable=${value}`)
  set(1)
  scope.defer(() => set(0))
  return device
}

/** A loop device whose scheduler is BFQ, which alone has weights on cgroup v1. */
function fairDevice(scope: Scope): { major: number; minor: number } {
  const file = scope.path('disk')
  writeFileSync(file, Buffer.alloc(mebi))
  const path = scope.runner.runProgram('losetup', ['--find', '--show', file]).stdout.trim()
  scope.defer(() => void scope.runner.runProgram('losetup', ['--detach', path]))
  const queue = join('/sys/block', basename(path))
  writeFileSync(join(queue, 'queue/scheduler'), 'bfq')
  const [major, minor] = readFileSync(join(queue, 'dev'), 'utf8').split(':').map(Number)
  return { major: major ?? 0, minor: minor ?? 0 }
}

const isLegacyIO = hierarchyOf('io')?.version === 1

test(
  'a device that knows weights takes one for the container',
  (t, scope) => {
    const { major, minor } = isLegacyIO ? fairDevice(scope) : weighedDevice(scope)
    const container = scope.container((config) => {
      config.process.args = ['/bin/true']
      config.linux.resources = { blockIO: { weightDevice: [{ major, minor, weight: 300 }] } }
    })
    t.match(container.create(), { status: 0, stderr: '' })
    const file = isLegacyIO ? 'blkio.bfq.weight_device' : 'io.weight'
    const lines = readGroup(groupOf(container.state().pid, 'io'), file).split('\n')
    const value = `${major}:${minor} ${isLegacyIO ? 300 : 2930}`
    t.ok(lines.includes(value), lines.join())
    noteSeen({ field: 'blockIO.weightDevice', controller: 'io', file, value })
  },
  { needs: ['cgroup:io', 'block-device', 'block-weights', isLegacyIO ? 'loop-devices' : 'own-machine'] },
)

const kmsg = { type: 'c', major: 1, minor: 11 } as const

/** A device that no default rule mentions may be read only. */
function readOnlyDevice(config: TestConfig): void {
  config.linux.resources = { devices: [{ allow: true, ...kmsg, access: 'r' }] }
  config.linux.devices = [{ ...kmsg, path: '/dev/kmsg', fileMode: 0o666 }]
  for (const set of Object.values(config.process.capabilities ?? {})) set.push('CAP_SYSLOG')
}

test(
  'of a device a container may do what its rule allows',
  (t, scope) => {
    const tries = ['open /dev/kmsg r', 'open /dev/kmsg w'] as const
    const report = scope.probe(readOnlyDevice, ...tries)
    t.same(
      tries.map((words) => tried(report, words).error),
      ['', 'EPERM'],
    )
    const effect = 'with the rule "c 1:11 r" /dev/kmsg can be opened to read; to write it is EPERM'
    const value = 'attached to the unified cgroup; it cannot be read back as a file'
    noteSeen({ field: 'devices', controller: 'devices', file: 'eBPF program', value, effect })
  },
  { needs: ['cgroup-unified', 'tsrun'] },
)

test(
  'where only cgroup v1 is mounted device rules are in its list',
  (t, scope) => {
    const container = scope.container(readOnlyDevice)
    const command = ['create', '--bundle', container.bundle.path, container.id]
    t.match(runOnlyV1(scope, command), { status: 0, stderr: '' })
    const file = 'devices.list'
    const value = 'c 1:11 r'
    t.ok(readGroup(groupOf(container.state().pid, 'devices'), file).split('\n').includes(value))
    noteSeen({ field: 'devices', controller: 'devices', file: `${file} (where only v1 is mounted)`, value })
  },
  { needs: ['cgroup-v1:devices', 'cgroup-unified', 'tsrun'] },
)

test(
  'a fork bomb stops at the pids limit',
  (t, scope) => {
    const script = 'i=0; while [ $i -lt 50 ]; do sleep 1000 & i=$((i+1)); echo $i; done'
    const container = scope.container((config) => {
      config.linux.resources = { pids: { limit: 8 } }
      config.process.args = ['/bin/sh', '-c', script]
    })
    container.create()
    const directory = groupOf(container.state().pid, 'pids')
    container.start()
    container.awaitEnd()
    t.match(container.output.stderr, /can't fork/)
    t.equal(container.output.stdout.trim().split('\n').length, 7, 'the shell is the eighth')
    t.match(readGroup(directory, 'pids.events'), /^max [1-9]/m)
    const effect = 'within 8, a shell can start 7 more: "can\'t fork"'
    noteSeen({ field: 'pids.limit', controller: 'pids', effect })
  },
  { needs: ['cgroup:pids'] },
)

test(
  'with a pids limit of 0 the container runs, and cannot fork',
  (t, scope) => {
    const container = scope.container((config) => {
      config.linux.resources = { pids: { limit: 0 } }
      config.process.args = ['/bin/sh', '-c', 'echo here; sleep 0 & echo there']
    })
    const { stdout, stderr } = container.run()
    t.equal(stdout, 'here\n')
    t.match(stderr, /can't fork/)
    noteSeen({ field: 'pids.limit 0', controller: 'pids', effect: 'runs, and cannot fork' })
  },
  { needs: ['cgroup:pids', 'tsrun'] },
)

test(
  'huge pages beyond the limit cannot be had',
  (t, scope) => {
    addHugePages(scope, 4)
    const tries = [mapHugePages(2 * mebi), mapHugePages(6 * mebi)] as const
    const free = scope.probe(undefined, ...tries)
    t.same(
      tries.map((words) => tried(free, words).error),
      ['', ''],
    )
    const limited = scope.probe(
      (config) => {
        config.linux.resources = { hugepageLimits: [{ pageSize: '2MB', limit: 4 * mebi }] }
      },
      ...tries,
    )
    t.same(
      tries.map((words) => tried(limited, words).error),
      ['', 'ENOMEM'],
    )
    const effect = 'within 4 MiB, mmap of 2 MiB works, of 6 MiB is ENOMEM'
    noteSeen({ field: 'hugepageLimits', controller: 'hugetlb', effect })
  },
  { needs: ['cgroup:hugetlb', 'huge-pages', 'x86-64'] },
)

interface Pressure {
  readonly data: { readonly cpu: { readonly psi?: { readonly some: { readonly total?: number } } } }
}

test(
  'what a container had to wait for is in its statistics',
  async (t, scope) => {
    const container = scope.container((config) => {
      config.process.args = ['/bin/sh', '-c', 'while :; do :; done']
      config.linux.resources = { cpu: { quota: 10000, period: 100000 } }
    })
    t.equal(container.run(['--detach']).status, 0)
    const events = scope.runner.spawn(['events', '--interval', '100ms', container.id])
    const lines = new Lines(events.stdout)
    for (;;) {
      const { psi } = (JSON.parse((await lines.next()) ?? 'null') as Pressure).data.cpu
      if (psi === undefined) t.fail('there is no psi')
      if (psi === undefined || (psi.some.total ?? 0) > 0) break
    }
    t.pass('it grows')
    container.kill('KILL')
    t.same(await ended(events), { status: 0, signal: null })
  },
  { needs: ['psi', 'cgroup-v2:cpu', 'tsrun'] },
)
