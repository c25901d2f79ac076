/** Stage 2, plan: linux.seccomp as plain rules for native code, and when the filter is loaded. */
import { readAnnotations } from '../config/annotations.js'
import type { Config, Seccomp, SeccompAction, SeccompArg, SeccompSyscall } from '../config/types.js'
import { seccompAction, seccompFlag, seccompOperator } from '../config/vocabulary/seccomp.js'
import { bitsOf } from '../config/vocabulary/table.js'
import { ConfigError } from '../errors.js'
import {
  callsForHooks,
  callsToBecomeUser,
  callsToDrop,
  callsToFork,
  callsToStart,
  notPermitted,
} from './seccomp-calls.js'
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
  /** The profile permits what init does after it: nobody sees init without it, or with the privilege to load it. */
  readonly sealed: boolean
  readonly listener?: { readonly path: string; readonly metadata: string }
}

/** What planning the filter must know of the rest of the plan. */
export interface SeccompContext {
  /** Init forks into the container's pid namespace (`exec`). */
  readonly forks: boolean
  /** startContainer hooks come after the filter. */
  readonly hooks: boolean
  /** A user namespace lies between the container and init's memory: nobody in it may trace init (ptrace(2)). */
  readonly userNamespace: boolean
}

/**
 * Plans linux.seccomp (config-linux.md "Seccomp").
 *
 * The filter is loaded before a process of the container could trace init: before *created*, and in `exec`
 * before the fork into the pid namespace. A profile that does not permit the few calls that follow is
 * loaded by the step `exec` itself, so that it need not permit what init does.
 * With SCMP_ACT_NOTIFY it is loaded before *created*, because the parent takes the listener and leaves.
 * Loading takes noNewPrivileges or CAP_SYS_ADMIN (seccomp(2)), so without noNewPrivileges CAP_SYS_ADMIN
 * stays permitted until then. When the config has no capability sets the kernel clears them as the user
 * changes, and the filter is loaded before that.
 *
 * @throws ConfigError when CAP_SYS_ADMIN would have to stay with an init that the container may trace
 */
export function planSeccomp(
  config: Config,
  compile: (request: SeccompRequest) => Uint8Array,
  context: SeccompContext,
): SeccompPlan {
  const seccomp = config.linux?.seccomp
  if (seccomp === undefined) return { step: undefined, early: false, needsSysAdmin: false, sealed: true }
  const { process } = config
  const listener = (seccomp.syscalls ?? []).some((syscall) => syscall.action === 'SCMP_ACT_NOTIFY')
  const privileged = process.noNewPrivileges !== true
  const losesPrivilege = process.capabilities === undefined && (process.user?.uid ?? 0) !== 0
  const early = privileged && losesPrivilege
  const missing = notPermitted(seccomp, [
    ...callsToStart,
    ...(context.forks ? callsToFork : []),
    ...(context.hooks ? callsForHooks : []),
    ...(privileged && !early ? callsToDrop : []),
    ...(early ? callsToBecomeUser : []),
  ])
  const mayTrace = process.capabilities?.bounding?.includes('CAP_SYS_PTRACE') ?? (early && context.forks)
  if (missing.length > 0 && privileged && mayTrace && !context.userNamespace) throw exposed(missing)
  const sealed = missing.length === 0
  const { failUnknownSyscall: failUnknown } = readAnnotations(config.annotations)
  const program = programOf(seccomp, failUnknown, compile)
  const late = !sealed && !early && !listener
  return {
    step: { op: 'seccomp', program, flags: filterFlags(seccomp, { listener }), late, listener },
    early,
    needsSysAdmin: privileged && !early,
    sealed,
    ...(listener ? { listener: { path: seccomp.listenerPath ?? '', metadata: seccomp.listenerMetadata ?? '' } } : {}),
  }
}

/** Filters of profiles, which a program that makes many containers of one config asks for again and again. */
const programs = new WeakMap<Seccomp, { readonly failUnknown: boolean; readonly program: Uint8Array }>()

function programOf(
  seccomp: Seccomp,
  failUnknown: boolean | undefined = false,
  compile: (request: SeccompRequest) => Uint8Array,
): Uint8Array {
  const known = programs.get(seccomp)
  if (known?.failUnknown === failUnknown) return known.program
  const program = compile(seccompRequest(seccomp, { failUnknown }))
  programs.set(seccomp, { failUnknown, program })
  return program
}

function exposed(missing: readonly string[]): ConfigError {
  const message =
    'with CAP_SYS_PTRACE and without noNewPrivileges a filter must permit what comes between it and the ' +
    `program, or processes of the container could take over init as long as it has CAP_SYS_ADMIN: ${missing.join(', ')}`
  return ConfigError.from([{ pointer: '/linux/seccomp', message }])
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
