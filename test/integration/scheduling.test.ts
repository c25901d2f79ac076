/** config.json: process.oomScoreAdj, scheduler, ioPriority; linux.personality; CPU affinity; signals; keyring. */
import { readFileSync, writeFileSync } from 'node:fs'
import { probe, running } from '../helpers/exec.js'
import { parseReport } from '../helpers/probe.js'
import { requires } from '../helpers/requires.js'
import { test } from '../helpers/test.js'

const own = (path: string): string => readFileSync(path, 'utf8').trim()

test('oomScoreAdj is written, and left alone when it is not given', (t, scope) => {
  t.equal(scope.probe((config) => void (config.process.oomScoreAdj = 500)).oomScoreAdj, 500)
  t.equal(scope.probe((config) => void (config.process.oomScoreAdj = 1000)).oomScoreAdj, 1000)
  t.equal(scope.probe().oomScoreAdj, Number(own('/proc/self/oom_score_adj')))
})

test('oomScoreAdj below the runtime’s own takes CAP_SYS_RESOURCE', (t, scope) => {
  const container = scope.container((config) => {
    config.process.oomScoreAdj = -500
  })
  const { status, stderr } = container.run()
  if (requires('sys-resource') === false) {
    t.equal(container.report().oomScoreAdj, -500)
    return
  }
  t.equal(status, 1)
  t.match(stderr, /oom_score_adj.*permission denied/i)
  t.same(scope.leftovers(), [])
})

const SCHED_OTHER = 0
const SCHED_FIFO = 1
const SCHED_BATCH = 3
const SCHED_IDLE = 5
const SCHED_FLAG_RESET_ON_FORK = 1

test(
  'the scheduler has the policy, priority, nice value and flags of the config',
  (t, scope) => {
    const schedulerOf = (scheduler: object) =>
      scope.probe((config) => {
        config.process.scheduler = scheduler as never
      }).scheduler
    t.match(schedulerOf({ policy: 'SCHED_BATCH', nice: 7 }), { policy: SCHED_BATCH, nice: 7 })
    t.match(schedulerOf({ policy: 'SCHED_OTHER', nice: -5 }), { policy: SCHED_OTHER, nice: -5 })
    t.match(schedulerOf({ policy: 'SCHED_IDLE' }), { policy: SCHED_IDLE })
    t.match(schedulerOf({ policy: 'SCHED_FIFO', priority: 10, flags: ['SCHED_FLAG_RESET_ON_FORK'] }), {
      policy: SCHED_FIFO,
      priority: 10,
      flags: SCHED_FLAG_RESET_ON_FORK,
    })
  },
  { needs: ['sys-nice'] },
)

test('the scheduler is the runtime’s when the config says nothing', (t, scope) => {
  t.match(scope.probe().scheduler, { policy: SCHED_OTHER, nice: 0 })
})

test(
  'a real-time process may be bound to CPUs without real-time time for its cgroup',
  (t, scope) => {
    const { scheduler, status } = scope.probe((config) => {
      config.process.scheduler = { policy: 'SCHED_FIFO', priority: 10 }
      config.linux.resources = { cpu: { cpus: '0' } }
    })
    t.match(scheduler, { policy: SCHED_FIFO, priority: 10 })
    t.equal(status.Cpus_allowed_list, '0')
  },
  { needs: ['sys-nice', 'cgroup:cpuset', 'tsrun'] },
)

test(
  'a real-time policy in a cpu cgroup without real-time time is an error that says what it takes',
  (t, scope) => {
    const container = scope.container((config) => {
      config.process.scheduler = { policy: 'SCHED_FIFO', priority: 10 }
      config.linux.cgroupsPath = `/${scope.word}`
    })
    const { status, stderr } = container.create()
    t.equal(status, 1)
    t.match(stderr, /sched_setattr: operation not permitted: .*linux\.resources\.cpu\.realtimeRuntime/)
    container.bundle.config.linux.resources = { cpu: { realtimeRuntime: 10000, realtimePeriod: 200000 } }
    container.rewrite()
    t.match(container.create(), { status: 0, stderr: '' })
  },
  { needs: ['sys-nice', 'real-time-groups', 'tsrun'] },
)

const SCHED_DEADLINE = 6

test(
  'SCHED_DEADLINE has its runtime, deadline and period',
  (t, scope) => {
    const { scheduler } = scope.probe((config) => {
      const times = { runtime: 5_000_000, deadline: 20_000_000, period: 30_000_000 }
      config.process.scheduler = { policy: 'SCHED_DEADLINE', ...times, flags: ['SCHED_FLAG_RESET_ON_FORK'] }
    })
    const times = { runtime: 5_000_000, deadline: 20_000_000, period: 30_000_000 }
    t.match(scheduler, { policy: SCHED_DEADLINE, ...times })
  },
  { needs: ['sys-nice'] },
)

test('ioPriority has class and level', (t, scope) => {
  const classes = { IOPRIO_CLASS_RT: 1, IOPRIO_CLASS_BE: 2, IOPRIO_CLASS_IDLE: 3 }
  for (const [name, number] of Object.entries(classes)) {
    const priority = name === 'IOPRIO_CLASS_IDLE' ? 0 : 3
    const { ioPriority } = scope.probe((config) => {
      config.process.ioPriority = { class: name as 'IOPRIO_CLASS_RT', priority }
    })
    t.equal(ioPriority, (number << 13) | priority, name)
  }
})

test('personality LINUX32 makes the machine look like one of 32 bits', (t, scope) => {
  const PER_LINUX32 = 8
  const { personality, machine } = scope.probe((config) => {
    config.linux.personality = { domain: 'LINUX32' }
  })
  t.equal(personality, PER_LINUX32)
  t.equal(machine, 'i686')
  const plain = scope.probe((config) => {
    config.linux.personality = { domain: 'LINUX' }
  })
  t.equal(plain.personality, 0)
})

test('the program may use all CPUs, also when the runtime is bound to one', (t, scope) => {
  const container = scope.container()
  const args = ['run', '--bundle', container.bundle.path, container.id]
  const all = scope.probe().affinity
  const bound = scope.runner.runProgram('taskset', ['1', ...scope.runner.commandLine(args)])
  t.equal(bound.status, 0)
  t.same((JSON.parse(bound.stdout) as { affinity: number[] }).affinity, all)
})

test('no signal is blocked or ignored, whatever the caller has done with it', (t, scope) => {
  const container = scope.container()
  const args = ['run', '--bundle', container.bundle.path, container.id]
  const { status } = scope.probe()
  t.match(status, { SigBlk: '0000000000000000', SigIgn: '0000000000000000', SigCgt: '0000000000000000' })
  const ignoring = scope.runner.runProgram('sh', [
    '-c',
    'trap "" PIPE; exec "$@"',
    'sh',
    ...scope.runner.commandLine(args),
  ])
  const report = JSON.parse(ignoring.stdout) as { status: Record<string, string> }
  t.equal(report.status.SigIgn, '0000000000000000')
})

test('the container has a session keyring of its own, named after it, unless it is to keep the caller’s', (t, scope) => {
  const container = scope.container()
  container.run()
  t.match(container.report().keyring, new RegExp(`_ses\\.${container.id}$`))
  const keeping = scope.container()
  keeping.run(['--no-new-keyring'])
  t.notMatch(keeping.report().keyring, /_ses\.tsrun-test/)
})

test(
  'the name of the keyring cannot be guessed, so that nobody can have made it before; exec joins it',
  (t, scope) => {
    const names = [0, 1].map(() => {
      const container = running(scope)
      const name = probe(scope, container).keyring
      t.match(name, new RegExp(`;[0-9a-f-]{36}_ses\\.${container.id}$`))
      t.equal(probe(scope, container).keyring, name)
      return name.replace(container.id, '')
    })
    t.not(names[0], names[1])
  },
  { needs: ['tsrun'] },
)

test(
  'a process that exec adds has its scheduler too, also where a fork would take that back',
  (t, scope) => {
    // With such a scheduler it has no group of cgroup v1 for CPU time, which would have none for real-time policies.
    const container = running(scope, (config) => {
      config.process.scheduler = { policy: 'SCHED_FIFO', priority: 1 }
    })
    const flags = ['SCHED_FLAG_RESET_ON_FORK']
    const schedulerOf = (scheduler: object) => {
      const file = scope.path('process.json')
      writeFileSync(file, JSON.stringify({ args: ['/probe'], cwd: '/', user: { uid: 0, gid: 0 }, scheduler }))
      const { status, stdout, stderr } = scope.runtime(['exec', '--process', file, container.id])
      t.match({ status, stderr }, { status: 0, stderr: '' })
      return parseReport(stdout).scheduler
    }
    const reset = { flags: SCHED_FLAG_RESET_ON_FORK }
    t.match(schedulerOf({ policy: 'SCHED_FIFO', priority: 10 }), { policy: SCHED_FIFO, priority: 10 })
    t.match(schedulerOf({ policy: 'SCHED_FIFO', priority: 10, flags }), { policy: SCHED_FIFO, priority: 10, ...reset })
    t.match(schedulerOf({ policy: 'SCHED_OTHER', nice: -5, flags }), { policy: SCHED_OTHER, nice: -5, ...reset })
    const times = { runtime: 5_000_000, deadline: 20_000_000, period: 30_000_000 }
    t.match(schedulerOf({ policy: 'SCHED_DEADLINE', ...times, flags }), { policy: SCHED_DEADLINE, ...times })
  },
  { needs: ['sys-nice', 'tsrun'] },
)

test(
  'what SCHED_DEADLINE takes is in the error',
  (t, scope) => {
    const of = (times: object) =>
      scope.container((config) => {
        config.process.scheduler = { policy: 'SCHED_DEADLINE', ...times }
      })
    const backwards = of({ runtime: 20_000_000, deadline: 10_000_000, period: 30_000_000 })
    t.match(backwards.create(), { status: 1, stderr: /sched_setattr.*invalid argument.*no longer than the deadline/ })
  },
  { needs: ['sys-nice', 'tsrun'] },
)
