/** Stage 2, plan: linux.seccomp as plain rules for native code, and when the filter is loaded. */
import { readAnnotations } from '../config/annotations.js'
import type { Config, Seccomp, SeccompAction, SeccompArg, SeccompSyscall } from '../config/types.js'
import { seccompAction, seccompFlag, seccompOperator } from '../config/vocabulary/seccomp.js'
import { bitsOf } from '../config/vocabulary/table.js'
import type { StepOf } from './steps.js'

/** What native code compiles to a filter. Values are those of seccomp(2) and seccomp_rule_add(3). */
export interface SeccompRequest {
  /** SECCOMP_RET_* with its data. */
  readonly defaultAction: number
  /** SCMP_ARCH_* names; the native architecture is always in the filter. */
  readonly architectures: readonly string[]
  /** Calls newer than all those that the profile names fail with ENOSYS, so that callers fall back. */
  readonly enosysForNewer: boolean
  /** Names that libseccomp does not know are an error; otherwise they are skipped. */
  readonly failUnknown: boolean
  readonly rules: readonly SeccompRule[]
  /** Names for `enosysForNewer` only: those of rules that are left out because they change nothing. */
  readonly alsoNamed: readonly string[]
}

/** One action for some syscalls; conditions are on different arguments and all of them must hold. */
export interface SeccompRule {
  readonly names: readonly string[]
  readonly action: number
  readonly conditions: readonly SeccompCondition[]
}

/** A comparison of argument `index`: `op` is enum scmp_compare. */
export interface SeccompCondition {
  readonly index: number
  readonly op: number
  readonly value: number | bigint
  readonly valueTwo: number | bigint
}

const EPERM = 1
const ENOSYS = 38

/** Actions that let a call pass, at least to somebody who can cope with calls unknown today. */
const permissive: ReadonlySet<SeccompAction> = new Set(['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE'])

/** When init loads the filter, and what else the plan must do for it. */
export interface SeccompPlan {
  /** The step, or undefined when the container has no filter. */
  readonly step: StepOf<'seccomp'> | undefined
  /** Loaded before the user changes: the privilege that it takes cannot be carried any further. */
  readonly early: boolean
  /** Loaded after the user change, with CAP_SYS_ADMIN. */
  readonly needsSysAdmin: boolean
  readonly listener?: { readonly path: string; readonly metadata: string }
}

/**
 * Plans linux.seccomp (config-linux.md "Seccomp").
 *
 * The filter is loaded as late as possible, by `exec` itself, so that it need not permit what init does.
 * With SCMP_ACT_NOTIFY it is loaded before *created*, because the parent takes the listener and leaves.
 * Loading takes noNewPrivileges or CAP_SYS_ADMIN (seccomp(2)), so without noNewPrivileges CAP_SYS_ADMIN
 * stays permitted until then. When the config has no capability sets the kernel clears them as the user
 * changes, and the filter is loaded before that.
 */
export function planSeccomp(config: Config, compile: (request: SeccompRequest) => Uint8Array): SeccompPlan {
  const seccomp = config.linux?.seccomp
  if (seccomp === undefined) return { step: undefined, early: false, needsSysAdmin: false }
  const { process } = config
  const listener = (seccomp.syscalls ?? []).some((syscall) => syscall.action === 'SCMP_ACT_NOTIFY')
  const privileged = process.noNewPrivileges !== true
  const losesPrivilege = process.capabilities === undefined && (process.user?.uid ?? 0) !== 0
  const early = privileged && losesPrivilege
  const { failUnknownSyscall: failUnknown } = readAnnotations(config.annotations)
  const program = compile(seccompRequest(seccomp, { failUnknown }))
  return {
    step: { op: 'seccomp', program, flags: filterFlags(seccomp, { listener }), late: !early && !listener, listener },
    early,
    needsSysAdmin: privileged && !early,
    ...(listener ? { listener: { path: seccomp.listenerPath ?? '', metadata: seccomp.listenerMetadata ?? '' } } : {}),
  }
}

/** Absent flags are SPEC_ALLOW alone, as runc does it; an empty list is no flags. */
function filterFlags(seccomp: Seccomp, { listener }: { listener: boolean }): number {
  const flags = bitsOf(seccompFlag, seccomp.flags ?? ['SECCOMP_FILTER_FLAG_SPEC_ALLOW'])
  // seccomp(2) refuses TSYNC with a listener and WAIT_KILLABLE_RECV without; init has one thread anyway.
  return (
    flags & ~(listener ? seccompFlag.SECCOMP_FILTER_FLAG_TSYNC : seccompFlag.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
  )
}

/** The rules of a profile as native code wants them. */
export function seccompRequest(seccomp: Seccomp, { failUnknown = false } = {}): SeccompRequest {
  const defaultAction = actionValue(seccomp.defaultAction, seccomp.defaultErrnoRet)
  const rules: SeccompRule[] = []
  const alsoNamed: string[] = []
  for (const syscall of seccomp.syscalls ?? []) {
    const value = actionValue(syscall.action, syscall.errnoRet)
    // What happens anyway needs no rule.
    if (value === defaultAction) alsoNamed.push(...syscall.names)
    else rules.push(...syscallRules(syscall, value))
  }
  const saysEnosys = seccomp.defaultErrnoRet === ENOSYS
  return {
    defaultAction,
    architectures: seccomp.architectures ?? [],
    enosysForNewer: !permissive.has(seccomp.defaultAction) && !saysEnosys,
    failUnknown,
    rules,
    alsoNamed,
  }
}

/** Conditions on one argument twice are alternatives, and so are then all of the rule's (as runc does it). */
function syscallRules(syscall: SeccompSyscall, value: number): SeccompRule[] {
  const conditions = (syscall.args ?? []).map(condition)
  const indexes = new Set(conditions.map(({ index }) => index))
  if (indexes.size === conditions.length) return [{ names: syscall.names, action: value, conditions }]
  return conditions.map((alternative) => ({ names: syscall.names, action: value, conditions: [alternative] }))
}

function condition(arg: SeccompArg): SeccompCondition {
  return {
    index: arg.index,
    op: seccompOperator[arg.op],
    value: asUnsigned(arg.value),
    valueTwo: asUnsigned(arg.valueTwo ?? 0),
  }
}

function asUnsigned(value: number | bigint): number | bigint {
  return value < 0 ? BigInt.asUintN(64, BigInt(value)) : value
}

function actionValue(name: SeccompAction, errno: number | undefined): number {
  const hasData = name === 'SCMP_ACT_ERRNO' || name === 'SCMP_ACT_TRACE'
  return hasData ? seccompAction[name] + ((errno ?? EPERM) & 0xffff) : seccompAction[name]
}
