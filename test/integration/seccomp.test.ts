/** config.json: linux.seccomp: actions, conditions, architectures, flags. */
import type { Change, TestConfig } from '../helpers/config.js'
import { tried } from '../helpers/probe.js'
import { test } from '../helpers/test.js'

type Seccomp = NonNullable<TestConfig['linux']['seccomp']>
type Rule = NonNullable<Seccomp['syscalls']>[number]

// Numbers of x86-64; umask takes any number and does no harm.
const MKDIR = 83
const UMASK = 95
const LSEEK = 8
const SIGSYS = 31
const needs = ['x86-64'] as const

const filter =
  (syscalls: Rule[], more: Partial<Seccomp> = {}): Change =>
  (config) => {
    config.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls, ...more }
  }

test(
  'without seccomp in the config there is no filter',
  (t, scope) => {
    t.equal(scope.probe().status.Seccomp, '0')
  },
  { needs },
)

test(
  'a rule answers its calls with an errno, EPERM unless another is given, and leaves others alone',
  (t, scope) => {
    const report = scope.probe(
      filter([
        { names: ['mkdir', 'rmdir'], action: 'SCMP_ACT_ERRNO' },
        { names: ['chown', 'lchown'], action: 'SCMP_ACT_ERRNO', errnoRet: 99 },
        { names: ['no_such_call', 'symlink'], action: 'SCMP_ACT_ERRNO', errnoRet: 0 },
      ]),
      ...['mkdir /a', 'rmdir /tmp', 'chown /probe 1 1', 'write /b x', 'symlink x /c', 'stat /c'],
    )
    t.equal(report.status.Seccomp, '2')
    t.equal(tried(report, 'mkdir /a').error, 'EPERM')
    t.equal(tried(report, 'rmdir /tmp').error, 'EPERM')
    t.equal(tried(report, 'chown /probe 1 1').errno, 99)
    t.equal(tried(report, 'write /b x').error, '')
    t.equal(tried(report, 'symlink x /c').error, '', 'errno 0 is success')
    t.equal(tried(report, 'stat /c').error, 'ENOENT', 'without having done anything')
  },
  { needs },
)

test(
  'each action does what its name says',
  (t, scope) => {
    const outcomes = {
      SCMP_ACT_KILL: -SIGSYS,
      SCMP_ACT_KILL_THREAD: -SIGSYS,
      SCMP_ACT_KILL_PROCESS: -SIGSYS,
      SCMP_ACT_TRAP: -SIGSYS,
      SCMP_ACT_ERRNO: 1,
      SCMP_ACT_TRACE: 38, // ENOSYS without a tracer
      SCMP_ACT_LOG: 0,
      SCMP_ACT_ALLOW: 0,
    }
    for (const [action, status] of Object.entries(outcomes)) {
      const rule = { names: ['mkdir'], action: action as Rule['action'] }
      // A default that no rule repeats.
      const report = scope.probe(filter([rule], { defaultAction: 'SCMP_ACT_LOG' }), 'child mkdir /made')
      t.equal(tried(report, 'child mkdir /made').status, status, action)
    }
  },
  { needs },
)

const condition = (op: string, value: number | bigint, valueTwo?: number | bigint, index = 0) =>
  ({ index, op, value, ...(valueTwo === undefined ? {} : { valueTwo }) }) as NonNullable<Rule['args']>[number]

const refuseUmask = (...args: NonNullable<Rule['args']>): Rule => ({
  names: ['umask'],
  action: 'SCMP_ACT_ERRNO',
  errnoRet: 99,
  args,
})

const arguments_ = [0, 5, 9, 10, 11, 0x12, 0x1f]
const calls = arguments_.map((argument) => `syscall ${UMASK} ${argument}`)

test(
  'each operator compares as it should',
  (t, scope) => {
    const table: [op: string, refused: (argument: number) => boolean, value: number, valueTwo?: number][] = [
      ['SCMP_CMP_NE', (argument) => argument !== 10, 10],
      ['SCMP_CMP_LT', (argument) => argument < 10, 10],
      ['SCMP_CMP_LE', (argument) => argument <= 10, 10],
      ['SCMP_CMP_EQ', (argument) => argument === 10, 10],
      ['SCMP_CMP_GE', (argument) => argument >= 10, 10],
      ['SCMP_CMP_GT', (argument) => argument > 10, 10],
      ['SCMP_CMP_MASKED_EQ', (argument) => (argument & 0xf0) === 0x10, 0xf0, 0x10],
    ]
    for (const [op, refused, value, valueTwo] of table) {
      const report = scope.probe(filter([refuseUmask(condition(op, value, valueTwo))]), ...calls)
      const found = arguments_.filter((argument) => tried(report, `syscall ${UMASK} ${argument}`).errno === 99)
      t.same(found, arguments_.filter(refused), op)
    }
  },
  { needs },
)

test(
  'a value is compared in all its 64 bits',
  (t, scope) => {
    const value = 0x1_0000_0005n
    const tries = [value, 5n, 0x2_0000_0005n].map((offset) => `syscall ${LSEEK} 0 ${offset} 0`)
    const rule: Rule = { names: ['lseek'], action: 'SCMP_ACT_ERRNO', errnoRet: 99 }
    const report = scope.probe(filter([{ ...rule, args: [condition('SCMP_CMP_EQ', value, undefined, 1)] }]), ...tries)
    t.same(
      tries.map((words) => tried(report, words).errno === 99),
      [true, false, false],
    )
  },
  { needs },
)

test(
  'conditions on several arguments must all hold, several on one argument are alternatives',
  (t, scope) => {
    const tries = [`syscall ${LSEEK} 0 7 0`, `syscall ${LSEEK} 0 7 1`, `syscall ${LSEEK} 0 8 1`]
    const both = [condition('SCMP_CMP_EQ', 7, undefined, 1), condition('SCMP_CMP_EQ', 1, undefined, 2)]
    const rule: Rule = { names: ['lseek'], action: 'SCMP_ACT_ERRNO', errnoRet: 99, args: both }
    const all = scope.probe(filter([rule]), ...tries)
    t.same(
      tries.map((words) => tried(all, words).errno === 99),
      [false, true, false],
    )
    const either = refuseUmask(condition('SCMP_CMP_EQ', 5), condition('SCMP_CMP_EQ', 10))
    const some = scope.probe(filter([either]), ...calls)
    const found = arguments_.filter((argument) => tried(some, `syscall ${UMASK} ${argument}`).errno === 99)
    t.same(found, [5, 10])
  },
  { needs },
)

test(
  'rules hold for each architecture that is listed',
  (t, scope) => {
    const MKDIR_32 = 39
    const rules: Rule[] = [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO', errnoRet: 99 }]
    const words = [`child call32 ${MKDIR_32} 0`, `syscall ${MKDIR} 0 0`]
    const both = scope.probe(filter(rules, { architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'] }), ...words)
    t.equal(tried(both, words[0]!).status, 99)
    t.equal(tried(both, words[1]!).errno, 99)
    const native = scope.probe(filter(rules, { architectures: ['SCMP_ARCH_X86_64'] }), ...words)
    t.equal(tried(native, words[0]!).status, -SIGSYS, 'calls of another architecture are the end')
    t.equal(tried(native, words[1]!).errno, 99)
  },
  { needs },
)

test(
  'the default action meets every call without a rule, with its errno',
  (t, scope) => {
    const report = scope.probe(
      (config) => {
        const names =
          'read write open openat close execve exit exit_group fstat stat lstat ioctl mmap brk getdents64'.split(' ')
        const more =
          'readlink getpid getppid getuid getresuid getresgid getgroups prctl arch_prctl set_tid_address'.split(' ')
        const rest = 'writev umask uname keyctl getpgrp getsid prlimit64 getcwd fcntl sched_getattr ioprio_get'.split(
          ' ',
        )
        const last = 'personality sched_getaffinity lseek rt_sigprocmask gettid newfstatat set_robust_list'.split(' ')
        const rule: Rule = { names: [...names, ...more, ...rest, ...last], action: 'SCMP_ACT_ALLOW' }
        config.linux.seccomp = { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 99, syscalls: [rule] }
        config.process.noNewPrivileges = true
      },
      'mkdir /a',
      'read /proc/self/comm',
    )
    t.equal(tried(report, 'mkdir /a').errno, 99)
    t.equal(tried(report, 'read /proc/self/comm').error, '')
  },
  { needs },
)

test(
  'calls that are newer than all that a list of permitted ones names don’t exist',
  (t, scope) => {
    const report = scope.probe(
      (config) => {
        const allowed = { names: ['mkdir'], action: 'SCMP_ACT_ERRNO' as const, errnoRet: 99 }
        filter([allowed], { defaultAction: 'SCMP_ACT_ALLOW' })(config)
      },
      'syscall 1000',
      `syscall ${MKDIR} 0 0`,
    )
    t.equal(tried(report, 'syscall 1000').error, 'ENOSYS')
    t.equal(tried(report, `syscall ${MKDIR} 0 0`).errno, 99)
  },
  { needs },
)

for (const noNewPrivileges of [false, true]) {
  for (const uid of [0, 1000]) {
    test(
      `the filter is there for uid ${uid} ${noNewPrivileges ? 'with' : 'without'} noNewPrivileges`,
      (t, scope) => {
        const report = scope.probe((config) => {
          filter([{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }])(config)
          config.process.user = { uid, gid: uid }
          config.process.noNewPrivileges = noNewPrivileges
          config.process.capabilities = {}
        }, `syscall ${MKDIR} 0 0`)
        t.equal(report.status.Seccomp, '2')
        t.equal(report.status.NoNewPrivs, noNewPrivileges ? '1' : '0')
        t.equal(tried(report, `syscall ${MKDIR} 0 0`).error, 'EPERM')
        t.equal(report.status.CapEff, '0000000000000000')
      },
      { needs },
    )
  }
}

test(
  'the filter need not permit what the runtime does before the program',
  (t, scope) => {
    const names = 'mount umount2 pivot_root setuid setgid setresuid setresgid setgroups capset sethostname setsid'
    const more =
      'open_tree move_mount fsopen fsmount mount_setattr openat2 sendmsg recvmsg accept4 chdir fchdir unshare'
    const container = scope.container((config) => {
      const rule: Rule = { names: `${names} ${more}`.split(' '), action: 'SCMP_ACT_KILL_PROCESS' }
      filter([rule])(config)
      config.hostname = 'inside'
      config.process.noNewPrivileges = true
      config.process.args = ['/probe']
      config.process.user = { uid: 1000, gid: 1000 }
    })
    t.match(container.run(), { status: 0, stderr: '' })
    t.match(container.complete(), { status: 0, stderr: '' })
  },
  { needs },
)

test(
  'a flag that doesn’t exist is an error that names it',
  (t, scope) => {
    const container = scope.container(filter([], { flags: ['SECCOMP_FILTER_FLAG_NONSENSE'] as never }))
    t.match(container.create(), { status: 1, stderr: /NONSENSE/ })
  },
  { needs },
)

test(
  'flags are given to the kernel',
  (t, scope) => {
    const rules: Rule[] = [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }]
    const flags = ['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'] as const
    for (const flag of flags) t.equal(scope.probe(filter(rules, { flags: [flag] })).status.Seccomp, '2', flag)
    t.equal(scope.probe(filter(rules, { flags: [...flags] })).status.Seccomp, '2')
    t.equal(scope.probe(filter(rules, { flags: [] })).status.Seccomp, '2')
  },
  { needs },
)

test(
  'an action, an operator or an architecture that doesn’t exist is an error that names it',
  (t, scope) => {
    const rule = { names: ['mkdir'], action: 'SCMP_ACT_ERRNO', args: [{ index: 0, value: 1, op: 'SCMP_CMP_EQ' }] }
    const bad = [
      { defaultAction: 'SCMP_ACT_NONSENSE' },
      { defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_NONSENSE'] },
      { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ ...rule, action: 'SCMP_ACT_NONSENSE' }] },
      { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ ...rule, args: [{ index: 0, value: 1, op: 'NONSENSE' }] }] },
    ]
    for (const seccomp of bad) {
      const container = scope.container((config) => {
        config.linux.seccomp = seccomp as Seccomp
      })
      const { status, stderr } = container.create()
      t.equal(status, 1)
      t.match(stderr, /NONSENSE/)
    }
    t.same(scope.leftovers(), [])
  },
  { needs },
)
