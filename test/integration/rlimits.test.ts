/** config.json: process.rlimits. */
import { tried, type Report } from '../helpers/probe.js'
import { test } from '../helpers/test.js'
import type { TestConfig } from '../helpers/config.js'

type Rlimits = NonNullable<TestConfig['process']['rlimits']>

/** RLIMIT_* numbers (asm-generic/resource.h), with limits that are lower than any runtime's own. */
const lower: readonly [type: string, number: number, soft: number, hard: number][] = [
  ['RLIMIT_CPU', 0, 1000, 2000],
  ['RLIMIT_FSIZE', 1, 1 << 28, 1 << 29],
  ['RLIMIT_DATA', 2, 1 << 30, 2 ** 31],
  ['RLIMIT_STACK', 3, 1 << 22, 1 << 23],
  ['RLIMIT_CORE', 4, 0, 0],
  ['RLIMIT_RSS', 5, 1 << 28, 1 << 29],
  ['RLIMIT_NPROC', 6, 5000, 5001],
  ['RLIMIT_NOFILE', 7, 100, 200],
  ['RLIMIT_MEMLOCK', 8, 4096, 8192],
  ['RLIMIT_AS', 9, 2 ** 33, 2 ** 34],
  ['RLIMIT_LOCKS', 10, 50, 60],
  ['RLIMIT_SIGPENDING', 11, 300, 400],
  ['RLIMIT_MSGQUEUE', 12, 4096, 4097],
  ['RLIMIT_NICE', 13, 0, 0],
  ['RLIMIT_RTPRIO', 14, 0, 0],
  ['RLIMIT_RTTIME', 15, 1_000_000, 2_000_000],
]

const limitsOf = (report: Report, number: number) => {
  const { soft, hard } = report.rlimits[number]!
  return [soft, hard]
}

test('each of the 16 resource limits is set', (t, scope) => {
  const report = scope.probe((config) => {
    config.process.rlimits = lower.map(([type, , soft, hard]) => ({ type, soft, hard })) as Rlimits
  })
  for (const [type, number, soft, hard] of lower) t.same(limitsOf(report, number), [String(soft), String(hard)], type)
})

test('a limit without end is a number of 64 bits', (t, scope) => {
  const unlimited = 18446744073709551615n
  const report = scope.probe((config) => {
    config.process.rlimits = [{ type: 'RLIMIT_CORE', soft: unlimited, hard: unlimited }]
  })
  t.same(limitsOf(report, 4), [String(unlimited), String(unlimited)])
})

const DUP2 = 33 // x86-64

test('a limit has its effect, and root without capabilities cannot raise it', (t, scope) => {
  const report = scope.probe(
    (config) => {
      config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 20, hard: 20 }]
      config.process.capabilities = {}
    },
    `syscall ${DUP2} 0 19`,
    `syscall ${DUP2} 0 20`,
    'setrlimit 7 100 100',
  )
  t.equal(tried(report, `syscall ${DUP2} 0 19`).error, '')
  t.equal(tried(report, `syscall ${DUP2} 0 20`).error, 'EBADF')
  t.equal(tried(report, 'setrlimit 7 100 100').error, 'EPERM')
})

test('limits that the config doesn’t name are the runtime’s', (t, scope) => {
  const all = scope.probe().rlimits
  const some = scope.probe((config) => {
    config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }]
  }).rlimits
  t.same(some.with(7, all[7]!), all)
})

test('a limit above the runtime’s own hard limit is an error that names it', (t, scope) => {
  const container = scope.container((config) => {
    config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 2 ** 40, hard: 2 ** 40 }]
  })
  const { status, stderr } = container.run()
  t.equal(status, 1)
  t.match(stderr, /operation not permitted/)
  t.match(stderr, /rlimit/i)
  t.same(scope.leftovers(), [])
})

test(
  'with CAP_SYS_RESOURCE the runtime raises limits above its own',
  (t, scope) => {
    const report = scope.probe((config) => {
      config.process.rlimits = [{ type: 'RLIMIT_MSGQUEUE', soft: 2 ** 40, hard: 2 ** 40 }]
    })
    t.same(limitsOf(report, 12), [String(2 ** 40), String(2 ** 40)])
  },
  { needs: ['sys-resource'] },
)
