/** Stage 1, config: the enums of `linux.seccomp` (config-linux.md "Seccomp"). */

/** SECCOMP_RET_* (seccomp(2)); the low 16 bits of errno and trace are data. KILL is KILL_THREAD. */
export const seccompAction = {
  SCMP_ACT_KILL: 0x00000000,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_KILL_THREAD: 0x00000000,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_ERRNO: 0x00050000,
  SCMP_ACT_TRACE: 0x7ff00000,
  SCMP_ACT_ALLOW: 0x7fff0000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_NOTIFY: 0x7fc00000,
} as const

/** enum scmp_compare of seccomp.h. */
export const seccompOperator = {
  SCMP_CMP_NE: 1,
  SCMP_CMP_LT: 2,
  SCMP_CMP_LE: 3,
  SCMP_CMP_EQ: 4,
  SCMP_CMP_GE: 5,
  SCMP_CMP_GT: 6,
  SCMP_CMP_MASKED_EQ: 7,
} as const

/** SECCOMP_FILTER_FLAG_* of seccomp(2). */
export const seccompFlag = {
  SECCOMP_FILTER_FLAG_TSYNC: 1 << 0,
  SECCOMP_FILTER_FLAG_LOG: 1 << 1,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 1 << 2,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 1 << 5,
} as const

/**
 * Architectures, which libseccomp numbers; `since` is the minor version of libseccomp 2 that brought one,
 * 5 the oldest that tsrun builds with.
 */
export const seccompArchitecture = {
  SCMP_ARCH_X86: { since: 5 },
  SCMP_ARCH_X86_64: { since: 5 },
  SCMP_ARCH_X32: { since: 5 },
  SCMP_ARCH_ARM: { since: 5 },
  SCMP_ARCH_AARCH64: { since: 5 },
  SCMP_ARCH_LOONGARCH64: { since: 6 },
  SCMP_ARCH_M68K: { since: 6 },
  SCMP_ARCH_MIPS: { since: 5 },
  SCMP_ARCH_MIPS64: { since: 5 },
  SCMP_ARCH_MIPS64N32: { since: 5 },
  SCMP_ARCH_MIPSEL: { since: 5 },
  SCMP_ARCH_MIPSEL64: { since: 5 },
  SCMP_ARCH_MIPSEL64N32: { since: 5 },
  SCMP_ARCH_PPC: { since: 5 },
  SCMP_ARCH_PPC64: { since: 5 },
  SCMP_ARCH_PPC64LE: { since: 5 },
  SCMP_ARCH_S390: { since: 5 },
  SCMP_ARCH_S390X: { since: 5 },
  SCMP_ARCH_SH: { since: 6 },
  SCMP_ARCH_SHEB: { since: 6 },
  SCMP_ARCH_PARISC: { since: 5 },
  SCMP_ARCH_PARISC64: { since: 5 },
  SCMP_ARCH_RISCV64: { since: 5 },
} as const
