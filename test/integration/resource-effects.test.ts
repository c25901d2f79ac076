/** config.json: limits of linux.resources by what a container notices of them. */
import type { Resources } from 'tsrun'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { blockDevice } from '../helpers/cgroups.js'
import type { TestConfig } from '../helpers/config.js'
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
      noteSeen({ field: 'blockIO.throttle…', controller: 'io', effect })
    },
    { needs: ['cgroup:io', 'files-on-block-device'] },
  )
}

const MMAP = 9 // x86-64
/** PROT_READ | PROT_WRITE, then MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB. */
const map = (size: number): string => `syscall ${MMAP} 0 ${size} 3 262178 -1 0`

test(
  'huge pages beyond the limit cannot be had',
  (t, scope) => {
    const pool = '/proc/sys/vm/nr_hugepages'
    const before = readFileSync(pool, 'utf8')
    scope.defer(() => writeFileSync(pool, before))
    writeFileSync(pool, String(Number(before) + 4))
    const tries = [map(2 * mebi), map(6 * mebi)] as const
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
