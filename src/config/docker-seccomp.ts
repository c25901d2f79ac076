/** Stage 1, config: a seccomp profile in Docker's form, which says for whom its rules are, as `linux.seccomp`. Pure. */
import { isKernelSince } from './kernel-release.js'
import type { Seccomp, SeccompSyscall } from './types.js'

/** What the rules ask for. */
export interface ProfileInputs {
  readonly capabilities: readonly string[]
  /** Name of the machine in uname(2). */
  readonly machine: string
  /** Its release in uname(2), `6.1.0-18-amd64`. */
  readonly kernel: string
}

type Architecture = NonNullable<Seccomp['architectures']>[number]

interface Condition {
  readonly caps?: readonly string[]
  readonly arches?: readonly string[]
  readonly minKernel?: string
}

/** As moby's profiles/seccomp has it; what is in the form of `linux.seccomp` is it already. */
interface Profile extends Omit<Seccomp, 'syscalls'> {
  readonly archMap?: readonly {
    readonly architecture: Architecture
    readonly subArchitectures?: readonly Architecture[]
  }[]
  readonly syscalls?: readonly (SeccompSyscall & {
    readonly name?: string
    readonly comment?: string
    readonly includes?: Condition
    readonly excludes?: Condition
  })[]
}

/** By machine: its name for Go, and for libseccomp. */
const machines: Readonly<Record<string, readonly [go: string, architecture: string]>> = {
  x86_64: ['amd64', 'SCMP_ARCH_X86_64'],
  aarch64: ['arm64', 'SCMP_ARCH_AARCH64'],
}

/** The rules that hold here; the config that they go into is checked as every other. */
export function seccompOfDocker(document: unknown, inputs: ProfileInputs): Seccomp {
  const { archMap, syscalls, ...rest } = document as Profile
  const [, architecture] = machines[inputs.machine] ?? []
  const own = archMap?.find((one) => one.architecture === architecture)
  return {
    ...rest,
    ...(own === undefined ? {} : { architectures: [own.architecture, ...(own.subArchitectures ?? [])] }),
    ...(syscalls === undefined ? {} : { syscalls: syscalls.filter(isMeant(inputs)).map(plain) }),
  }
}

const isMeant =
  (inputs: ProfileInputs) =>
  ({ includes, excludes }: NonNullable<Profile['syscalls']>[number]): boolean =>
    (includes === undefined || holds(includes, inputs, 'every')) &&
    !(excludes !== undefined && holds(excludes, inputs, 'some'))

/** For an inclusion every capability must be there; for an exclusion one is enough. */
function holds({ caps, arches, minKernel }: Condition, inputs: ProfileInputs, how: 'every' | 'some'): boolean {
  const [go = ''] = machines[inputs.machine] ?? []
  const tests = [
    ...(caps?.length ? [caps[how]((name) => inputs.capabilities.includes(name))] : []),
    ...(arches?.length ? [arches.includes(go)] : []),
    ...(minKernel ? [isKernelSince(inputs.kernel, minKernel)] : []),
  ]
  return tests.length === 0 ? how === 'every' : tests[how](Boolean)
}

function plain({ name, names, action, args, errnoRet }: NonNullable<Profile['syscalls']>[number]): SeccompSyscall {
  return {
    names: name === undefined ? names : [name],
    action,
    ...(args?.length ? { args } : {}),
    ...(errnoRet === undefined ? {} : { errnoRet }),
  }
}
