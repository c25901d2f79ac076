import t from 'tap'
import { check, config, type Json, problems, processOf } from '../support.js'

const withProcess = (members: Json) => config({ process: processOf(members) })

check('a process and a root file system are needed', {
  accepted: [config()],
  refused: [
    [{}, '/process: is missing', '/root: is missing'],
    [config({ root: { path: '' } }), '/root/path: must not be empty'],
  ],
})

check('cwd is absolute', {
  accepted: [withProcess({ cwd: '/a/../b' })],
  refused: [
    [withProcess({ cwd: 'tmp' }), '/process/cwd: must be an absolute path, found "tmp"'],
    [withProcess({ cwd: '' }), '/process/cwd: must be an absolute path, found ""'],
  ],
})

const limit = (type: string, soft: number | bigint, hard: number | bigint) => ({ type: `RLIMIT_${type}`, soft, hard })

check('a resource is limited once', {
  accepted: [withProcess({ rlimits: [limit('AS', 1, 1), limit('CORE', 1, 1)] })],
  refused: [
    [
      withProcess({ rlimits: [limit('AS', 1, 1), limit('CORE', 1, 1), limit('AS', 1, 1)] }),
      '/process/rlimits/2/type: limits the same as /process/rlimits/0',
    ],
  ],
})

void t.test('a soft limit is not above the hard one, also where one of them is a bigint', async (t) => {
  const infinity = 18446744073709551615n
  for (const [soft, hard] of [
    [0, 0],
    [1, 2],
    [1, infinity],
    [infinity, infinity],
  ] as const) {
    t.strictSame(await problems(withProcess({ rlimits: [limit('AS', soft, hard)] })), [])
  }
  t.strictSame(await problems(withProcess({ rlimits: [limit('AS', 2, 1)] })), [
    '/process/rlimits/0/soft: 2 is above the hard limit 1',
  ])
  t.strictSame(await problems(withProcess({ rlimits: [limit('AS', infinity, 1)] })), [
    '/process/rlimits/0/soft: 18446744073709551615 is above the hard limit 1',
  ])
})

const withScheduler = (scheduler: Json) => withProcess({ scheduler })

check('scheduler attributes fit the policy', {
  accepted: [
    withScheduler({ policy: 'SCHED_OTHER' }),
    withScheduler({ policy: 'SCHED_BATCH', nice: -20, priority: 0, runtime: 0, deadline: 0, period: 0 }),
    withScheduler({ policy: 'SCHED_IDLE', nice: 19, flags: ['SCHED_FLAG_RESET_ON_FORK'] }),
    withScheduler({ policy: 'SCHED_FIFO', priority: 1 }),
    withScheduler({ policy: 'SCHED_RR', priority: 99 }),
    withScheduler({ policy: 'SCHED_DEADLINE', runtime: 1, deadline: 2, period: 3 }),
  ],
  refused: [
    [withScheduler({ policy: 'SCHED_OTHER', nice: 20 }), '/process/scheduler/nice: must be from -20 to 19, found 20'],
    [withScheduler({ policy: 'SCHED_OTHER', nice: -21 }), '/process/scheduler/nice: must be from -20 to 19, found -21'],
    [
      withScheduler({ policy: 'SCHED_OTHER', priority: 1 }),
      '/process/scheduler/priority: is for SCHED_FIFO and SCHED_RR, the policy is SCHED_OTHER',
    ],
    [
      withScheduler({ policy: 'SCHED_FIFO' }),
      '/process/scheduler/priority: must be from 1 to 99 with SCHED_FIFO, found 0',
    ],
    [
      withScheduler({ policy: 'SCHED_RR', priority: 100 }),
      '/process/scheduler/priority: must be from 1 to 99 with SCHED_RR, found 100',
    ],
    [
      withScheduler({ policy: 'SCHED_OTHER', runtime: 1, deadline: 2, period: 3 }),
      '/process/scheduler/runtime: is for SCHED_DEADLINE, the policy is SCHED_OTHER',
      '/process/scheduler/deadline: is for SCHED_DEADLINE, the policy is SCHED_OTHER',
      '/process/scheduler/period: is for SCHED_DEADLINE, the policy is SCHED_OTHER',
    ],
  ],
})

check('hook paths are absolute', {
  accepted: [config({ hooks: {} }), config({ hooks: { poststop: [{ path: '/bin/true', timeout: 1 }] } })],
  refused: [
    [
      config({ hooks: { prestart: [{ path: '/a' }, { path: 'a' }], poststop: [{ path: '' }] } }),
      '/hooks/prestart/1/path: must be an absolute path, found "a"',
      '/hooks/poststop/0/path: must be an absolute path, found ""',
    ],
  ],
})
