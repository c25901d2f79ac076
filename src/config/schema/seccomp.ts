/** Stage 1, config: the shape of `linux.seccomp` (config-linux.md "Seccomp"). */
import { integer, lazily, list, object, oneOf } from './shape.js'
import { text, textOrEmpty, uint16, uint64 } from './values.js'

const actions = [
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_TRAP',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_LOG',
  'SCMP_ACT_NOTIFY',
] as const

const operators = [
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
] as const

const flags = [
  'SECCOMP_FILTER_FLAG_TSYNC',
  'SECCOMP_FILTER_FLAG_LOG',
  'SECCOMP_FILTER_FLAG_SPEC_ALLOW',
  'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV',
] as const

const architectures = [
  'SCMP_ARCH_X86',
  'SCMP_ARCH_X86_64',
  'SCMP_ARCH_X32',
  'SCMP_ARCH_ARM',
  'SCMP_ARCH_AARCH64',
  'SCMP_ARCH_LOONGARCH64',
  'SCMP_ARCH_M68K',
  'SCMP_ARCH_MIPS',
  'SCMP_ARCH_MIPS64',
  'SCMP_ARCH_MIPS64N32',
  'SCMP_ARCH_MIPSEL',
  'SCMP_ARCH_MIPSEL64',
  'SCMP_ARCH_MIPSEL64N32',
  'SCMP_ARCH_PPC',
  'SCMP_ARCH_PPC64',
  'SCMP_ARCH_PPC64LE',
  'SCMP_ARCH_S390',
  'SCMP_ARCH_S390X',
  'SCMP_ARCH_SH',
  'SCMP_ARCH_SHEB',
  'SCMP_ARCH_PARISC',
  'SCMP_ARCH_PARISC64',
  'SCMP_ARCH_RISCV64',
] as const

/** Shape of `linux.seccomp`; an errno fits the 16 bits of SECCOMP_RET_DATA. */
export const seccompShape = lazily(() => {
  const action = oneOf('seccomp action', actions)
  const argument = object(
    { index: integer(0, 5), value: uint64, op: oneOf('operator', operators) },
    { valueTwo: uint64 },
  )
  return object(
    { defaultAction: action },
    {
      defaultErrnoRet: uint16,
      architectures: list(oneOf('architecture', architectures)),
      flags: list(oneOf('seccomp flag', flags)),
      listenerPath: textOrEmpty,
      listenerMetadata: textOrEmpty,
      syscalls: list(object({ names: list(text, { min: 1 }), action }, { errnoRet: uint16, args: list(argument) })),
    },
    { isAbsent: isDisabled },
  )
})

/** An empty filter is how Go writes "no filter", since it always writes `defaultAction`. */
function isDisabled(seccomp: unknown): boolean {
  if (typeof seccomp !== 'object' || seccomp === null) return false
  const { defaultAction = '', syscalls } = seccomp as { defaultAction?: unknown; syscalls?: unknown }
  return (defaultAction ?? '') === '' && (!Array.isArray(syscalls) || syscalls.length === 0)
}
