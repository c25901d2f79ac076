/** Stage 2, plan: the calls that init still makes under its own filter, and whether a profile permits them. Pure. */
import type { Seccomp, SeccompAction, SeccompArg, SeccompSyscall } from '../config/types.js'

/** A system call by name, with the first argument where it is known. */
export interface Call {
  readonly name: string
  readonly first?: bigint
}

/** Flags of the last fork: CLONE_PIDFD and CLONE_PARENT (clone(2)); namespaces are made before. */
const forkFlags = 0x1000n | 0x8000n

const named = (...names: readonly string[]): Call[] => names.map((name) => ({ name }))

/** From the filter on to *created*, through the wait for `start`, to execve: every container. */
export const callsToStart: readonly Call[] = named('write', 'read', 'close', 'accept4', 'execve', 'exit_group')

/** To drop CAP_SYS_ADMIN once the filter is loaded. */
export const callsToDrop: readonly Call[] = named('capset')

/** What vfork(2) is on arm64: CLONE_VM, CLONE_VFORK and SIGCHLD. */
const vforkFlags = 0x100n | 0x4000n | 17n

/** To run a startContainer hook. */
export const callsForHooks: readonly Call[] = [
  ...named('memfd_create', 'lseek', 'mmap', 'munmap', 'pipe2', 'vfork', 'dup2', 'dup3', 'chdir', 'pidfd_open'),
  ...named('fcntl', 'poll', 'ppoll', 'wait4', 'clock_gettime', 'pidfd_send_signal', 'rt_sigprocmask'),
  { name: 'clone', first: vforkFlags },
]

/** To fork into the container's pid namespace, as its last act outside. */
export const callsToFork: readonly Call[] = [
  ...named('pipe2', 'sendmsg', 'setsid', 'ioctl', 'prlimit64'),
  { name: 'clone', first: forkFlags },
]

/** To become another user, and to find the program as that user. */
export const callsToBecomeUser: readonly Call[] = named(
  ...['prctl', 'setgroups', 'setresgid', 'setresuid', 'openat2', 'open', 'fchdir', 'getcwd', 'mmap'],
  ...['stat', 'fstat', 'newfstatat', 'faccessat2'],
)

/** A call that meets one of these goes on as without a filter. */
const passing: ReadonlySet<SeccompAction> = new Set(['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG'])

/**
 * The calls that a profile does not surely permit. A rule with conditions permits a call only if they hold
 * for the argument that is known, and forbids it unless they surely don't.
 */
export function notPermitted(seccomp: Seccomp, calls: readonly Call[]): string[] {
  const rulesOf = rulesByName(seccomp, calls)
  const missing = calls.filter((call) => {
    const rules = rulesOf.get(call.name) ?? []
    const meets = (rule: SeccompSyscall): boolean | undefined => conditionsHold(rule.args ?? [], call)
    if (rules.some((rule) => !passing.has(rule.action) && meets(rule) !== false)) return true
    return !passing.has(seccomp.defaultAction) && !rules.some((rule) => passing.has(rule.action) && meets(rule))
  })
  return [...new Set(missing.map(({ name }) => name))]
}

/** The rules about some calls. A profile has hundreds of names, so they are gone through once. */
function rulesByName({ syscalls = [] }: Seccomp, calls: readonly Call[]): ReadonlyMap<string, SeccompSyscall[]> {
  const rulesOf = new Map<string, SeccompSyscall[]>()
  for (const { name } of calls) rulesOf.set(name, [])
  for (const rule of syscalls) {
    const { names } = rule
    for (let i = names.length - 1; i >= 0; i--) rulesOf.get(names[i] as string)?.push(rule)
  }
  return rulesOf
}

/** Whether all conditions hold; undefined where that depends on what is not known. */
function conditionsHold(args: readonly SeccompArg[], { first }: Call): boolean | undefined {
  // Two on one argument are alternatives (seccomp.ts), which nothing here needs to tell apart.
  const known = args.every(({ index }) => index === 0) && args.length <= 1
  if (args.length === 0) return true
  if (first === undefined || !known) return undefined
  return args.every((arg) => holds(arg, first))
}

function holds({ op, value, valueTwo = 0 }: SeccompArg, argument: bigint): boolean {
  const operand = BigInt.asUintN(64, BigInt(value))
  switch (op) {
    case 'SCMP_CMP_NE':
      return argument !== operand
    case 'SCMP_CMP_LT':
      return argument < operand
    case 'SCMP_CMP_LE':
      return argument <= operand
    case 'SCMP_CMP_EQ':
      return argument === operand
    case 'SCMP_CMP_GE':
      return argument >= operand
    case 'SCMP_CMP_GT':
      return argument > operand
    case 'SCMP_CMP_MASKED_EQ':
      // libseccomp leaves out bits of the value that the mask does not have.
      return (argument & operand) === (BigInt.asUintN(64, BigInt(valueTwo)) & operand)
  }
}
