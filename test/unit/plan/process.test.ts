import t from 'tap'
import type { RlimitType, Scheduler } from '#dist/config/types.js'
import { planEnvironment, planExecution, planProgram, planUmask } from '#dist/plan/process.js'
import { planRlimits } from '#dist/plan/rlimits.js'
import { planSysctl } from '#dist/plan/sysctl.js'
import { processOf } from './support.js'

const options = { noPivot: false, noNewKeyring: false, preserveFds: 0, waitForStart: true }
const environment = (env: string[], listenFds = 0) => planEnvironment(processOf({ env }), { ...options, listenFds })

t.test('of two variables of one name the later one wins, at its place', (t) => {
  t.strictSame(environment(['A=1', 'B=2', 'A=3=4', 'C=']), ['B=2', 'A=3=4', 'C='])
  t.strictSame(planEnvironment(processOf(), options), [])
  t.end()
})

t.test('init finds the home directory when there is none, or an empty one', (t) => {
  const program = (env: string[]) => planProgram(processOf({ user: { uid: 7 } }), environment(env))
  t.strictSame(program(['HOME=/root', 'A=1']), {
    op: 'program',
    args: ['sh'],
    env: ['HOME=/root', 'A=1'],
    cwd: '/',
    home: false,
    uid: 7,
  })
  t.match(program(['A=1']), { env: ['A=1'], home: true })
  t.match(program(['HOME=/x', 'HOME=']), { env: [], home: true })
  t.match(program(['HOMEX=1']), { home: true })
  t.end()
})

t.test('socket activation is passed on to pid 1', (t) => {
  t.strictSame(environment(['LISTEN_FDS=9', 'A=1'], 2), ['A=1', 'LISTEN_FDS=2', 'LISTEN_PID=1'])
  t.end()
})

t.test('the umask is 0022 unless given', (t) => {
  t.strictSame(planUmask(processOf()), { op: 'umask', mode: 0o022 })
  t.strictSame(planUmask(processOf({ user: { umask: 0 } })), { op: 'umask', mode: 0 })
  t.end()
})

t.test('all rlimits have their numbers', (t) => {
  // In the order of asm-generic/resource.h.
  const order = 'CPU FSIZE DATA STACK CORE RSS NPROC NOFILE MEMLOCK AS LOCKS SIGPENDING MSGQUEUE NICE RTPRIO RTTIME'
  for (const [resource, name] of order.split(' ').entries()) {
    const type = `RLIMIT_${name}` as RlimitType
    const [step] = planRlimits(processOf({ rlimits: [{ type, soft: 1, hard: 2 }] }))
    t.strictSame(step, { op: 'rlimit', resource, soft: 1, hard: 2 }, name)
  }
  const [step] = planRlimits(processOf({ rlimits: [{ type: 'RLIMIT_CORE', soft: -1, hard: 2n ** 64n - 1n }] }))
  t.match(step, { soft: 2n ** 64n - 1n, hard: 2n ** 64n - 1n }, 'without limit')
  t.end()
})

t.test('scheduler, I/O priority and personality become numbers', (t) => {
  const scheduler: Scheduler = {
    policy: 'SCHED_DEADLINE',
    nice: -3,
    flags: ['SCHED_FLAG_RESET_ON_FORK', 'SCHED_FLAG_DL_OVERRUN'],
    runtime: 1n,
    deadline: 2,
    period: 3,
  }
  const process = processOf({ scheduler, ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 5 } })
  t.strictSame(planExecution(process, { personality: { domain: 'LINUX32' } }), [
    { op: 'scheduler', policy: 6, flags: 5, nice: 0xfffffffd, priority: 0, runtime: 1n, deadline: 2, period: 3 },
    { op: 'ioPriority', value: (2 << 13) | 5 },
    { op: 'personality', domain: 8 },
  ])
  t.match(planExecution(processOf({ scheduler: { policy: 'SCHED_FIFO', priority: 9 } }), undefined), [
    { policy: 1, priority: 9, nice: 0 },
  ])
  t.match(
    planExecution(processOf({ ioPriority: { class: 'IOPRIO_CLASS_IDLE' } }), { personality: { domain: 'LINUX' } }),
    [{ value: 3 << 13 }, { domain: 0 }],
  )
  t.strictSame(planExecution(processOf(), undefined), [])
  t.end()
})

t.test('a memory policy becomes numbers, and a list that the kernel reads', (t) => {
  const flags = ['MPOL_F_STATIC_NODES', 'MPOL_F_NUMA_BALANCING'] as const
  t.strictSame(planExecution(processOf(), { memoryPolicy: { mode: 'MPOL_BIND', nodes: ' 0-3, 7,', flags } }), [
    { op: 'memoryPolicy', mode: 2, flags: 0xa000, nodes: '0-3,7' },
  ])
  t.strictSame(planExecution(processOf(), { memoryPolicy: { mode: 'MPOL_LOCAL' } }), [
    { op: 'memoryPolicy', mode: 4, flags: 0, nodes: '' },
  ])
  t.end()
})

t.test('sysctls are paths, in the order of the config', (t) => {
  const sysctl = { 'net.ipv4.ip_forward': '1', 'net/core/somaxconn': '2', 'net.ipv4.conf.eth0/1.forwarding': '0' }
  t.strictSame(planSysctl({ sysctl }), [
    { op: 'sysctl', key: 'net/ipv4/ip_forward', value: '1' },
    { op: 'sysctl', key: 'net/core/somaxconn', value: '2' },
    { op: 'sysctl', key: 'net/ipv4/conf/eth0.1/forwarding', value: '0' },
  ])
  t.end()
})
