/**
 * Stage 2, plan: a process added to a running container, as steps for init. Pure.
 *
 * Everything that takes privilege is done by a process that no process of the container can see: only
 * then it forks into the container's pid namespace, and the child has no more rights than the program
 * will have. Nothing in the container can trace it, or look into it, on the way (CVE-2016-9962).
 */
import { readAnnotations } from '../config/annotations.js'
import type { Config, NamespaceType, Process } from '../config/types.js'
import { planIdentity, type IdentityFacts } from './identity.js'
import { cloneFlag } from '../config/vocabulary/namespaces.js'
import { controllingTerminal, forkIntoSession, planEnd, planLastFork } from './last-fork.js'
import { planEnvironment, planOomScore, planProgram, planUmask } from './process.js'
import { noResources } from './resources/types.js'
import { planSeccomp, type SeccompRequest } from './seccomp.js'
import { planVersion, type Step } from './steps.js'
import type { CgroupPlan, HostFacts, LaunchPlan } from './types.js'

/** What compileExec starts from. */
export interface ExecInput {
  readonly id: string
  /** The config that the container was created with. */
  readonly config: Config
  readonly process: Process
  readonly facts: IdentityFacts & Pick<HostFacts, 'inUserNamespace'>
  /** The container's namespaces that are not the runtime's. */
  readonly namespaces: ReadonlySet<NamespaceType>
  /** Where the process is accounted: born in `unified`, then joining those of `v1`. */
  readonly cgroup: CgroupPlan
  /** Absolute path of the container's rootfs, its root where it has no mount namespace. */
  readonly rootfs: string
  /** Name of the container's session keyring; undefined where it has none. */
  readonly keyring: string | undefined
  /** Descriptors from 3 on that the process gets. */
  readonly preserveFds: number
  readonly compileSeccomp: (request: SeccompRequest) => Uint8Array
}

/**
 * The plan for a process in a container that exists.
 * @throws ConfigError for what only shows together with host and options
 */
export function compileExec(input: ExecInput): LaunchPlan {
  const { process, facts, cgroup } = input
  const config = { ...input.config, process }
  const userNamespace = input.namespaces.has('user')
  const forks = input.namespaces.has('pid')
  const seccomp = planSeccomp(config, input.compileSeccomp, { forks, hooks: false, userNamespace })
  const identity = planIdentity(process, facts, {
    keepSysAdmin: seccomp.needsSysAdmin,
    keepGroups: readAnnotations(config.annotations).keepGroups,
    userNamespace,
  })
  const settings = planLastFork(process, config.linux, { forks, userNamespace, facts })
  // A filter that is loaded before the user changes, and may forbid the fork, comes after it.
  const forksFirst = forks && seccomp.early && !seccomp.sealed
  const fork = [...(forks && !forksFirst ? forkIntoSession() : []), ...settings.own, ...controllingTerminal(process)]
  const steps: Step[] = [
    ...enterContainer(input),
    ...(forksFirst ? forkIntoSession() : []),
    ...setUpStreams(process),
    ...configureProcess(process),
    ...settings.inherited,
    ...(seccomp.early && seccomp.step ? [seccomp.step] : []),
    ...identity.steps,
    // As in the plan of a container, so that a missing program is found before anything is handed over.
    planProgram(process, planEnvironment(process, {})),
    ...planEnd({ seccomp, fork, waits: true, hooks: [] }),
  ]
  return {
    version: planVersion,
    cloneFlags: 0,
    cgroup,
    sources: [],
    waits: [],
    resources: noResources,
    deviceRules: [],
    netDevices: [],
    preserveFds: input.preserveFds,
    terminal: process.terminal === true,
    ...(seccomp.listener ? { seccompListener: seccomp.listener } : {}),
    ...(settings.scheduler ? { scheduler: settings.scheduler } : {}),
    warnings: identity.warnings,
    steps,
  }
}

function enterContainer({ cgroup, process, namespaces, rootfs, keyring }: ExecInput): Step[] {
  const steps: Step[] = [...planOomScore(process)]
  const v1 = Object.values(cgroup.v1)
  if (v1.length > 0) steps.push({ op: 'joinCgroups', paths: v1 })
  // The runtime may be bound to some CPUs; in its cgroup the container's cpuset decides, or the config.
  steps.push({ op: 'affinity', cpus: process.execCPUAffinity?.final || 'all' })
  // Signals that the keyboard of the caller's terminal makes are not for this process.
  steps.push({ op: 'newSession' })
  let types = 0
  for (const type of namespaces) types |= cloneFlag[type]
  steps.push({ op: 'enterNamespaces', types, procfs: Boolean(process.apparmorProfile || process.selinuxLabel) })
  if (namespaces.has('user')) steps.push({ op: 'becomeRoot' })
  if (keyring !== undefined) steps.push({ op: 'keyring', name: keyring })
  if (namespaces.has('mount')) steps.push({ op: 'enterRoot', path: '/' })
  else steps.push({ op: 'enterRoot', path: rootfs }, { op: 'chroot' })
  return steps
}

function setUpStreams(process: Process): Step[] {
  const steps: Step[] = [{ op: 'workingDirectory', path: process.cwd, create: false }]
  if (process.terminal) {
    const { height = 0, width = 0 } = process.consoleSize ?? {}
    steps.push({ op: 'console', rows: height, columns: width, bind: false })
  }
  steps.push({ op: 'stdio', uid: process.user?.uid ?? 0 })
  return steps
}

function configureProcess(process: Process): Step[] {
  const steps: Step[] = [planUmask(process)]
  if (process.apparmorProfile) steps.push({ op: 'apparmor', profile: process.apparmorProfile })
  if (process.selinuxLabel) steps.push({ op: 'selinux', label: process.selinuxLabel })
  if (process.noNewPrivileges) steps.push({ op: 'noNewPrivileges' })
  return steps
}
