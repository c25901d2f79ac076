/** Stage 1, config: the enums of `linux` that have no room of their own (config-linux.md), and hooks. */

/** S_IF* bits (inode(7)) of the device types; `u` is an unbuffered `c`. */
export const deviceType = { c: 0o020000, b: 0o060000, u: 0o020000, p: 0o010000 } as const

/** PER_* domains of personality(2). */
export const personalityDomain = { LINUX: 0x0000, LINUX32: 0x0008 } as const

/** MPOL_* modes of set_mempolicy(2). */
export const memoryPolicyMode = {
  MPOL_DEFAULT: 0,
  MPOL_BIND: 2,
  MPOL_INTERLEAVE: 3,
  MPOL_WEIGHTED_INTERLEAVE: 6,
  MPOL_PREFERRED: 1,
  MPOL_PREFERRED_MANY: 5,
  MPOL_LOCAL: 4,
} as const

/** MPOL_F_* flags of set_mempolicy(2), which are added to the mode. */
export const memoryPolicyFlag = {
  MPOL_F_NUMA_BALANCING: 1 << 13,
  MPOL_F_RELATIVE_NODES: 1 << 14,
  MPOL_F_STATIC_NODES: 1 << 15,
} as const

/** The hooks of config.md "POSIX-platform Hooks", in the order in which they run. */
export const hookNames = [
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
] as const

/** Name of a list of hooks. */
export type HookName = (typeof hookNames)[number]
