/** Stage 1, config: the enums of `process` (config.md "Process", config-linux.md "Capabilities"). */

/** RLIMIT_* of asm-generic/resource.h, which every architecture of tsrun uses (setrlimit(2)). */
export const rlimitNumber = {
  RLIMIT_AS: 9,
  RLIMIT_CORE: 4,
  RLIMIT_CPU: 0,
  RLIMIT_DATA: 2,
  RLIMIT_FSIZE: 1,
  RLIMIT_LOCKS: 10,
  RLIMIT_MEMLOCK: 8,
  RLIMIT_MSGQUEUE: 12,
  RLIMIT_NICE: 13,
  RLIMIT_NOFILE: 7,
  RLIMIT_NPROC: 6,
  RLIMIT_RSS: 5,
  RLIMIT_RTPRIO: 14,
  RLIMIT_RTTIME: 15,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_STACK: 3,
} as const

/** SCHED_* policies of sched_setattr(2); SCHED_ISO is reserved by the kernel, which refuses it. */
export const schedulerPolicy = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
} as const

/** SCHED_FLAG_* of sched_setattr(2). */
export const schedulerFlag = {
  SCHED_FLAG_RESET_ON_FORK: 0x01,
  SCHED_FLAG_RECLAIM: 0x02,
  SCHED_FLAG_DL_OVERRUN: 0x04,
  SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
} as const

/** IOPRIO_CLASS_* of ioprio_set(2). */
export const ioPriorityClass = { IOPRIO_CLASS_RT: 1, IOPRIO_CLASS_BE: 2, IOPRIO_CLASS_IDLE: 3 } as const

/** Capability names by bit (linux/capability.h, capabilities(7)). */
export const capabilityNames = [
  ...['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH', 'CAP_FOWNER', 'CAP_FSETID', 'CAP_KILL'],
  ...['CAP_SETGID', 'CAP_SETUID', 'CAP_SETPCAP', 'CAP_LINUX_IMMUTABLE', 'CAP_NET_BIND_SERVICE'],
  ...['CAP_NET_BROADCAST', 'CAP_NET_ADMIN', 'CAP_NET_RAW', 'CAP_IPC_LOCK', 'CAP_IPC_OWNER', 'CAP_SYS_MODULE'],
  ...['CAP_SYS_RAWIO', 'CAP_SYS_CHROOT', 'CAP_SYS_PTRACE', 'CAP_SYS_PACCT', 'CAP_SYS_ADMIN', 'CAP_SYS_BOOT'],
  ...['CAP_SYS_NICE', 'CAP_SYS_RESOURCE', 'CAP_SYS_TIME', 'CAP_SYS_TTY_CONFIG', 'CAP_MKNOD', 'CAP_LEASE'],
  ...['CAP_AUDIT_WRITE', 'CAP_AUDIT_CONTROL', 'CAP_SETFCAP', 'CAP_MAC_OVERRIDE', 'CAP_MAC_ADMIN', 'CAP_SYSLOG'],
  ...['CAP_WAKE_ALARM', 'CAP_BLOCK_SUSPEND', 'CAP_AUDIT_READ', 'CAP_PERFMON', 'CAP_BPF', 'CAP_CHECKPOINT_RESTORE'],
] as const
