/** The filters that native code makes of rules, tried on syscalls: what the kernel would answer. */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { readFileSync } from 'node:fs'
import t from 'tap'
import type { Seccomp, SeccompArg, SeccompOperator, SeccompSyscall } from '#dist/config/types.js'
import { seccompRequest, type SeccompRequest } from '#dist/plan/seccomp.js'
import { auditArch, disassemble, runFilter, x32Bit } from './bpf.js'

interface Addon {
  compileSeccomp(request: SeccompRequest, cache: string): Uint8Array
  seccompVersion(): string
}

const root = fileURLToPath(new URL('../../..', import.meta.url))
const addon = createRequire(import.meta.url)(`${root}/build/Release/tsrun.node`) as Addon

const { x86_64, i386, aarch64, arm } = auditArch
const [kill, allow, log, eperm, enosys] = [0, 0x7fff0000, 0x7ffc0000, 0x50001, 0x50026]
const errno = (number: number): number => 0x50000 + number
const allX86 = ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'] as const

const skip = process.arch !== 'x64' && 'numbers and architectures here are those of x86_64'

/** What a filter answers to a syscall of x86_64, or of another architecture. */
type Answer = (number: number, args?: readonly (number | bigint)[], arch?: number) => number

function filter(members: Partial<Seccomp>): Answer {
  const program = addon.compileSeccomp(seccompRequest({ defaultAction: 'SCMP_ACT_ERRNO', ...members }), '')
  return (number, args = [], architecture = x86_64) => runFilter(program, { arch: architecture, number, args })
}

const rule = (names: string, action: SeccompSyscall['action'] = 'SCMP_ACT_ALLOW', args: SeccompArg[] = []) => ({
  names: names.split(' '),
  action,
  args,
})

// Numbers of x86_64 where not said otherwise.
const [read, write, socket, clone, getpid, personality, unshare, bpf, cachestat] = [
  0, 1, 41, 56, 39, 135, 272, 321, 451,
]

t.test('names become numbers, the first rule of a name decides, unknown names are skipped', { skip }, (t) => {
  const syscalls = [rule('read no_such_call write'), rule('write', 'SCMP_ACT_LOG'), rule('bpf', 'SCMP_ACT_LOG')]
  const answer = filter({ syscalls, defaultErrnoRet: 38 })
  t.strictSame(
    [read, write, bpf].map((number) => answer(number)),
    [allow, allow, log],
  )
  t.strictSame(
    [2, bpf - 1, bpf + 1].map((number) => answer(number)),
    [enosys, enosys, enosys],
  )
  t.end()
})

t.test('every comparison, on both halves of an argument', { skip }, (t) => {
  const big = 0x1_0000_0005n
  const values = [0n, 4n, 5n, 6n, big - 1n, big, big + 1n, 0x2_0000_0000n, 2n ** 64n - 1n]
  const truth: Record<SeccompOperator, (value: bigint) => boolean> = {
    SCMP_CMP_NE: (value) => value !== big,
    SCMP_CMP_LT: (value) => value < big,
    SCMP_CMP_LE: (value) => value <= big,
    SCMP_CMP_EQ: (value) => value === big,
    SCMP_CMP_GE: (value) => value >= big,
    SCMP_CMP_GT: (value) => value > big,
    SCMP_CMP_MASKED_EQ: (value) => (value & big) === 4n,
  }
  for (const [op, holds] of Object.entries(truth) as [SeccompOperator, (value: bigint) => boolean][]) {
    for (const index of [0, 5]) {
      const args = [{ index, value: big, valueTwo: 4n, op }]
      const answer = filter({ syscalls: [rule('unshare', 'SCMP_ACT_ALLOW', args)] })
      for (const value of values) {
        const call = Array.from({ length: 6 }, (_, i) => (i === index ? value : 99))
        t.equal(answer(unshare, call), holds(value) ? allow : eperm, `${op} ${value} as argument ${index}`)
      }
    }
  }
  t.end()
})

t.test('conditions on several arguments must all hold, on one argument one of them', { skip }, (t) => {
  const equal = (index: number, value: number): SeccompArg => ({ index, value, op: 'SCMP_CMP_EQ' })
  const both = filter({ syscalls: [rule('unshare', 'SCMP_ACT_ALLOW', [equal(0, 1), equal(3, 2)])] })
  t.equal(both(unshare, [1, 0, 0, 2]), allow)
  t.equal(both(unshare, [1, 0, 0, 3]), eperm)
  t.equal(both(unshare, [2, 0, 0, 2]), eperm)
  const either = filter({ syscalls: [rule('unshare', 'SCMP_ACT_ALLOW', [equal(0, 1), equal(0, 2)])] })
  t.strictSame(
    [0, 1, 2, 3].map((value) => either(unshare, [value])),
    [eperm, allow, allow, eperm],
  )
  t.end()
})

t.test('of rules with conditions the first that holds decides; one without outweighs them all', { skip }, (t) => {
  const below = (value: number): SeccompArg[] => [{ index: 0, value, op: 'SCMP_CMP_LT' }]
  const graded = [rule('unshare', 'SCMP_ACT_ALLOW', below(3)), rule('unshare', 'SCMP_ACT_LOG', below(6))]
  const answer = filter({ syscalls: graded })
  t.strictSame(
    [2, 3, 5, 6].map((value) => answer(unshare, [value])),
    [allow, log, log, eperm],
  )
  t.equal(filter({ syscalls: [...graded, rule('unshare', 'SCMP_ACT_TRAP')] })(unshare, [1]), 0x30000)
  t.end()
})

t.test('syscalls that the profile cannot have known do not exist', { skip }, (t) => {
  const syscalls = [rule('read bpf')]
  const answer = filter({ syscalls })
  t.strictSame(
    [write, bpf - 1, bpf, bpf + 1, 9999].map((number) => answer(number)),
    [eperm, eperm, allow, enosys, enosys],
  )
  t.equal(filter({ syscalls: [rule('read'), rule('bpf', 'SCMP_ACT_ERRNO')] })(bpf + 1), enosys, 'named to be refused')
  t.equal(filter({ syscalls: [rule('read'), rule('bpf', 'SCMP_ACT_ERRNO')] })(bpf), eperm)
  t.equal(filter({ syscalls: [rule('bpf', 'SCMP_ACT_LOG')], defaultAction: 'SCMP_ACT_ALLOW' })(bpf + 1), allow)
  t.equal(filter({ syscalls, defaultAction: 'SCMP_ACT_KILL_PROCESS' })(bpf + 1), enosys)
  t.equal(filter({ syscalls: [] })(9999), eperm, 'nothing to measure by')
  t.end()
})

t.test('foreign architectures are killed, wanted ones have their own numbers', { skip }, (t) => {
  const syscalls = [rule('getpid')]
  const native = filter({ syscalls })
  t.equal(native(20, [], i386), kill)
  t.equal(native(x32Bit + getpid), kill, 'x32 is a foreign one')
  const all = filter({ syscalls, architectures: [...allX86, 'SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'] })
  t.equal(all(20, [], i386), allow)
  t.equal(all(39, [], i386), enosys)
  t.equal(all(x32Bit + getpid), allow)
  t.equal(all(x32Bit + write), eperm)
  t.equal(all(x32Bit + 999), enosys)
  t.equal(all(172, [], aarch64), allow)
  t.equal(all(20, [], arm), allow)
  t.throws(() => filter({ architectures: ['SCMP_ARCH_S390X'] }), /cannot add architecture SCMP_ARCH_S390X/)
  t.end()
})

t.test('32-bit architectures compare 32 bits', { skip }, (t) => {
  const args: SeccompArg[] = [{ index: 0, value: 0x1_ffff_ffff, op: 'SCMP_CMP_EQ' }]
  const answer = filter({ syscalls: [rule('personality', 'SCMP_ACT_ALLOW', args)], architectures: allX86 })
  t.equal(answer(136, [0xffffffff], i386), allow)
  t.equal(answer(personality, [0xffffffff]), eperm)
  t.equal(answer(personality, [0x1_ffff_ffff]), allow)
  t.end()
})

t.test('sub-calls of socketcall and ipc are calls of their own', { skip }, (t) => {
  const [socketcall, ipc, directSocket, directShmget] = [102, 117, 359, 395]
  const answer = filter({ syscalls: [rule('socket shmget send')], architectures: allX86 })
  t.equal(answer(socketcall, [1], i386), allow, 'socket')
  t.equal(answer(socketcall, [2], i386), eperm, 'bind')
  t.equal(answer(socketcall, [9], i386), allow, 'send')
  t.equal(answer(ipc, [23], i386), allow, 'shmget')
  t.equal(answer(ipc, [1], i386), eperm, 'semop')
  t.equal(answer(directSocket, [], i386), allow)
  t.equal(answer(directShmget, [], i386), allow)
  t.equal(answer(socket), allow)
  t.equal(
    filter({ syscalls: [rule('socketcall'), rule('socket', 'SCMP_ACT_LOG')], architectures: allX86 })(
      socketcall,
      [1],
      i386,
    ),
    allow,
  )
  t.end()
})

t.test("Docker's default profile does what it says", { skip }, (t) => {
  const profile = JSON.parse(readFileSync(`${root}/test/data/seccomp-docker-oci.json`, 'utf8')) as Seccomp
  const answer = filter(profile)
  for (const number of [read, write, getpid, 59, 257, 439]) t.equal(answer(number), allow, `call ${number}`)
  // mount, ptrace is allowed, reboot, init_module, bpf, unshare, setns, perf_event_open
  for (const number of [165, 169, 175, bpf, unshare, 308, 298]) t.equal(answer(number), eperm, `call ${number}`)
  t.equal(answer(435), enosys, 'clone3, so that its caller takes clone')
  t.equal(answer(clone, [0x1200011]), allow)
  for (const flag of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]) {
    t.equal(answer(clone, [0x11 | flag]), eperm, 'clone with a new namespace')
  }
  for (const family of [1, 2, 10, 16, 17, 37, 39, 41, 45]) t.equal(answer(socket, [family]), allow, `family ${family}`)
  for (const family of [38, 40]) t.equal(answer(socket, [family]), eperm, 'AF_ALG and AF_VSOCK')
  for (const domain of [0, 8, 0x20000, 0x20008, 0xffffffff]) t.equal(answer(personality, [domain]), allow)
  t.equal(answer(personality, [0x40000]), eperm)
  t.strictSame([answer(9999), answer(9999, [], i386), answer(x32Bit + 9999)], [enosys, enosys, enosys])
  t.equal(answer(63, [], aarch64), kill)
  t.end()
})

t.test('a profile with holes everywhere makes a deep tree whose jumps still reach', { skip }, (t) => {
  const numbers = JSON.parse(readFileSync(`${root}/test/data/seccomp-docker-oci.json`, 'utf8')) as Seccomp
  const names = numbers.syscalls!.flatMap((syscall) => (syscall.args ? [] : syscall.names))
  // Neighbours with different answers cannot be joined.
  const syscalls = names.map((name, i) => ({ ...rule(name, 'SCMP_ACT_ERRNO'), errnoRet: 100 + i }))
  const program = addon.compileSeccomp(
    seccompRequest({ defaultAction: 'SCMP_ACT_ALLOW', syscalls, architectures: allX86 }),
    '',
  )
  t.ok(disassemble(program).length > 1500)
  const answer: Answer = (number, args = [], architecture = x86_64) =>
    runFilter(program, { arch: architecture, number, args })
  t.equal(answer(read), errno(100 + names.indexOf('read')))
  t.equal(answer(3, [], i386), errno(100 + names.indexOf('read')))
  t.equal(answer(439), errno(100 + names.indexOf('faccessat2')))
  t.equal(answer(x32Bit + 439), errno(100 + names.indexOf('faccessat2')))
  t.equal(answer(cachestat + 1000), allow)
  t.end()
})

t.test('the version of libseccomp is known', (t) => {
  t.match(addon.seccompVersion(), /^2\.\d+\.\d+$/)
  t.end()
})
