import t from 'tap'
import { config, type Json, linux, problems, processOf } from './support.js'

/** A value put into an otherwise good config, and every problem it must have. */
const wrongShapes: readonly (readonly [Json | unknown[] | string | number | null, ...string[]])[] = [
  [[], ': must be an object, found an array'],
  ['text', ': must be an object, found "text"'],
  [null, ': must be an object, found null'],
  [config({ ociVersion: 1 }), '/ociVersion: must be a string, found 1'],
  [config({ root: 'rootfs' }), '/root: must be an object, found "rootfs"'],
  [config({ root: {} }), '/root/path: is missing'],
  [config({ root: { path: 'r', readonly: 'yes' } }), '/root/readonly: must be true or false, found "yes"'],
  [config({ process: {} }), '/process/cwd: is missing', '/process/args: is missing'],
  [config({ process: processOf({ args: [] }) }), '/process/args: must not be empty'],
  [config({ process: processOf({ args: 'sh' }) }), '/process/args: must be an array, found "sh"'],
  [config({ process: processOf({ args: ['sh', 1] }) }), '/process/args/1: must be a string, found 1'],
  [config({ process: processOf({ args: ['sh', null] }) }), '/process/args/1: must be a string, found null'],
  [config({ process: processOf({ args: ['a\0b'] }) }), '/process/args/0: must not contain a NUL byte'],
  [config({ process: processOf({ env: ['PATH'] }) }), '/process/env/0: must be NAME=value, found "PATH"'],
  [config({ process: processOf({ env: ['A=\0'] }) }), '/process/env/0: must not contain a NUL byte'],
  [
    config({ process: processOf({ user: { uid: -1, gid: 4294967295, umask: 1.5, additionalGids: ['0'] } }) }),
    '/process/user/uid: must be an integer from 0 to 4294967294, found -1',
    '/process/user/gid: must be an integer from 0 to 4294967294, found 4294967295',
    '/process/user/umask: must be an integer from 0 to 4294967295, found 1.5',
    '/process/user/additionalGids/0: must be an integer from 0 to 4294967294, found "0"',
  ],
  [
    config({ process: processOf({ rlimits: [{ type: 'RLIMIT_X', soft: -1, hard: 2 ** 64 * 2 }] }) }),
    '/process/rlimits/0/type: unknown rlimit type "RLIMIT_X"; known are RLIMIT_AS, RLIMIT_CORE, RLIMIT_CPU, ' +
      'RLIMIT_DATA, RLIMIT_FSIZE, RLIMIT_LOCKS, RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE, RLIMIT_NICE, RLIMIT_NOFILE, ' +
      'RLIMIT_NPROC, RLIMIT_RSS, RLIMIT_RTPRIO, RLIMIT_RTTIME, RLIMIT_SIGPENDING, RLIMIT_STACK',
    '/process/rlimits/0/soft: must be an integer from 0 to 18446744073709551615, found -1',
    '/process/rlimits/0/hard: must be an integer from 0 to 18446744073709551615, found 36893488147419103000',
  ],
  [
    config({ process: processOf({ consoleSize: { height: 65536 } }) }),
    '/process/consoleSize/height: must be an integer from 0 to 65535, found 65536',
    '/process/consoleSize/width: is missing',
  ],
  [
    config({ process: processOf({ oomScoreAdj: 1001 }) }),
    '/process/oomScoreAdj: must be an integer from -1000 to 1000, found 1001',
  ],
  [
    config({ process: processOf({ ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 8 } }) }),
    '/process/ioPriority/priority: must be an integer from 0 to 7, found 8',
  ],
  [
    config({ process: processOf({ ioPriority: { class: 'BE' } }) }),
    '/process/ioPriority/class: unknown I/O priority class "BE"; known are IOPRIO_CLASS_RT, IOPRIO_CLASS_BE, IOPRIO_CLASS_IDLE',
  ],
  [config({ process: processOf({ scheduler: { nice: 0 } }) }), '/process/scheduler/policy: is missing'],
  [
    config({ process: processOf({ execCPUAffinity: { initial: 'all' } }) }),
    '/process/execCPUAffinity/initial: must be a list of CPUs such as "0-3,7", found "all"',
  ],
  [
    config({ process: processOf({ capabilities: ['CAP_KILL'] }) }),
    '/process/capabilities: must be an object, found an array',
  ],
  [config({ mounts: [{ type: 'proc' }] }), '/mounts/0/destination: is missing'],
  [config({ hostname: 'a\0' }), '/hostname: must not contain a NUL byte'],
  [config({ hooks: { poststop: [{ args: [] }] } }), '/hooks/poststop/0/path: is missing'],
  [
    config({ hooks: { prestart: [{ path: '/a', timeout: 0 }] } }),
    '/hooks/prestart/0/timeout: must be an integer from 1 to 2147483, found 0',
  ],
  [config({ annotations: { a: 1 } }), '/annotations/a: must be a string, found 1'],
  [config({ annotations: { 'a\0': '' } }), '/annotations/a\0: a member name must not contain a NUL byte'],
  [
    config({ linux: { namespaces: [{ type: 'nett' }] } }),
    '/linux/namespaces/0/type: unknown namespace type "nett"; known are pid, network, mount, ipc, uts, user, cgroup, time',
  ],
  [
    linux({ timeOffsets: { realtime: { secs: 1 }, boottime: { nanosecs: 1_000_000_000 } } }),
    '/linux/timeOffsets/boottime/nanosecs: must be an integer from 0 to 999999999, found 1000000000',
    '/linux/timeOffsets: unknown member "realtime"',
  ],
  [
    linux({ devices: [{ type: 'x', path: '/d' }] }),
    '/linux/devices/0/type: unknown device type "x"; known are c, b, u, p',
  ],
  [
    linux({ rootfsPropagation: 'public' }),
    '/linux/rootfsPropagation: unknown propagation "public"; known are private, shared, slave, unbindable, ' +
      'rprivate, rshared, rslave, runbindable',
  ],
  [
    linux({ personality: { domain: 'BSD' } }),
    '/linux/personality/domain: unknown personality domain "BSD"; known are LINUX, LINUX32',
  ],
  [linux({ resources: { devices: [{}] } }), '/linux/resources/devices/0/allow: is missing'],
  [
    linux({ seccomp: { syscalls: [{ names: [] }] } }),
    '/linux/seccomp/defaultAction: is missing',
    '/linux/seccomp/syscalls/0/names: must not be empty',
    '/linux/seccomp/syscalls/0/action: is missing',
  ],
  [
    linux({ seccomp: { defaultAction: 'SCMP_ACT_ALLOW', defaultErrnoRet: 65536 } }),
    '/linux/seccomp/defaultErrnoRet: must be an integer from 0 to 65535, found 65536',
  ],
  [
    linux({ seccomp: seccompArgument({ index: 6, value: -1, op: 'EQ' }) }),
    '/linux/seccomp/syscalls/0/args/0/index: must be an integer from 0 to 5, found 6',
    '/linux/seccomp/syscalls/0/args/0/value: must be an integer from 0 to 18446744073709551615, found -1',
    '/linux/seccomp/syscalls/0/args/0/op: unknown operator "EQ"; known are SCMP_CMP_NE, SCMP_CMP_LT, SCMP_CMP_LE, ' +
      'SCMP_CMP_EQ, SCMP_CMP_GE, SCMP_CMP_GT, SCMP_CMP_MASKED_EQ',
  ],
]

function seccompArgument(argument: Json): Json {
  const syscalls = [{ names: ['read'], action: 'SCMP_ACT_ERRNO', args: [argument] }]
  return { defaultAction: 'SCMP_ACT_ALLOW', syscalls }
}

t.test('wrong types, unknown names and bad numbers: every problem at once, with its place', async (t) => {
  for (const [value, ...expected] of wrongShapes) {
    t.strictSame((await problems(value)).sort(), [...expected].sort(), JSON.stringify(value).slice(0, 200))
  }
})

t.test('every name that the spec lists is known', async (t) => {
  const each = async (names: readonly string[], make: (name: string) => Json) => {
    for (const name of names) t.strictSame(await problems(make(name)), [], name)
  }
  const actions = ['KILL', 'KILL_PROCESS', 'KILL_THREAD', 'TRAP', 'ERRNO', 'TRACE', 'ALLOW', 'LOG']
  await each(actions, (name) => linux({ seccomp: { defaultAction: `SCMP_ACT_${name}` } }))
  const architectures = [
    ...['X86', 'X86_64', 'X32', 'ARM', 'AARCH64', 'LOONGARCH64', 'M68K', 'MIPS', 'MIPS64', 'MIPS64N32', 'MIPSEL'],
    ...['MIPSEL64', 'MIPSEL64N32', 'PPC', 'PPC64', 'PPC64LE', 'S390', 'S390X', 'SH', 'SHEB', 'PARISC', 'PARISC64'],
    'RISCV64',
  ]
  await each(architectures, (name) =>
    linux({ seccomp: { defaultAction: 'SCMP_ACT_ALLOW', architectures: [`SCMP_ARCH_${name}`] } }),
  )
  await each(['TSYNC', 'LOG', 'SPEC_ALLOW', 'WAIT_KILLABLE_RECV'], (name) =>
    linux({ seccomp: { defaultAction: 'SCMP_ACT_ALLOW', flags: [`SECCOMP_FILTER_FLAG_${name}`] } }),
  )
  await each(['NE', 'LT', 'LE', 'EQ', 'GE', 'GT', 'MASKED_EQ'], (name) =>
    linux({ seccomp: seccompArgument({ index: 5, value: 0, valueTwo: 1, op: `SCMP_CMP_${name}` }) }),
  )
  await each(['', 'private', 'shared', 'slave', 'unbindable', 'rprivate', 'rshared', 'rslave', 'runbindable'], (name) =>
    linux({ rootfsPropagation: name }),
  )
})
