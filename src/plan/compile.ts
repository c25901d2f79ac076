/** Stage 2, plan: puts the decisions of the other files in order. Pure: no file system, no native calls. */
import { readAnnotations } from '../config/annotations.js'
import { mountAttr, propagation, propagationBit } from '../config/vocabulary/mounts.js'
import { ConfigError } from '../errors.js'
import { planCgroup } from './cgroup.js'
import { planDevices } from './devices.js'
import { hookWarnings, planCreateContainerHooks, planStartContainerHooks } from './hooks.js'
import { planIdMaps } from './id-maps.js'
import { planIdentity } from './identity.js'
import { planIntelRdt, rdtWarnings } from './intel-rdt.js'
import { controllingTerminal, forkIntoSession, planEnd, planLastFork, type LastFork } from './last-fork.js'
import { type MountPlan, planMounts } from './mounts.js'
import { type NamespacePlan, planNamespaces } from './namespaces.js'
import { planNetDevices } from './net-devices.js'
import { planEnvironment, planOomScore, planProgram, planUmask } from './process.js'
import { planDeviceRules } from './resources/devices.js'
import { planResources } from './resources/plan.js'
import { noResources } from './resources/types.js'
import { resourceWarnings } from './resources/warnings.js'
import { planSeccomp, type SeccompPlan } from './seccomp.js'
import { planApparmor, planSelinux } from './security-modules.js'
import { rootfsSource } from './sources.js'
import { planEvent, type PlanEvent, planVersion, type Step } from './steps.js'
import { planSystemdCgroup } from './systemd.js'
import { planSysctl } from './sysctl.js'
import type { CgroupPlan, LaunchPlan, PlanInput } from './types.js'

/**
 * The plan for a container: what the parent does is in the members, what init does is in `steps`, which
 * init executes straight down.
 *
 * @throws ConfigError or UnsupportedError for what only shows together with host and options.
 */
export function compilePlan(input: PlanInput): LaunchPlan {
  const { config, facts, options } = input
  const { process, linux } = config
  const resources = options.cgroupManager === 'disabled' ? noResources : planResources(config, facts.cgroup)
  const cgroup = placeCgroup(input)
  const namespaces = planNamespaces(config, facts)
  const { forksLast } = namespaces
  const idMaps = planIdMaps(config, namespaces, facts)
  const userNamespace = namespaces.created.has('user') || namespaces.joined.has('user')
  const hooks = Boolean(config.hooks?.startContainer?.length)
  const seccomp = planSeccomp(config, input.compileSeccomp, { forks: forksLast, hooks, userNamespace })
  const identity = planIdentity(process, facts, {
    keepSysAdmin: seccomp.needsSysAdmin,
    keepGroups: readAnnotations(config.annotations).keepGroups,
    userNamespace,
  })
  const env = planEnvironment(process, options)
  const cgroupNamespace = hasNamespace(namespaces, 'cgroup')
  const intelRdt = planIntelRdt(linux, input.id, facts.resctrl)
  const netDevices = planNetDevices(linux, facts)
  const sources = rootfsSource(input)
  const mounts = planMounts({
    ...{ config, bundle: input.bundle, facts, cgroup, cgroupNamespace, sources },
    outsidePidNamespace: forksLast,
  })

  const settings = planLastFork(process, linux, { forks: forksLast, userNamespace, facts })
  const fork = forksLast ? [...forkIntoSession(), ...settings.own, ...controllingTerminal(process)] : []
  const steps: Step[] = [
    ...enterNamespaces(input, namespaces, cgroup),
    ...buildRootfs(input, namespaces, mounts),
    ...finishRootfs(input, namespaces, mounts),
    ...configureProcess(input, cgroup, settings),
    ...dropPrivileges(identity.steps, seccomp),
    // Before *created*, so that a missing program fails at `create`; after the user switch, as that user.
    planProgram(process, env),
    ...planEnd({ seccomp, fork, waits: options.waitForStart, hooks: planStartContainerHooks(input) }),
  ]
  return {
    version: planVersion,
    cloneFlags: namespaces.cloneFlags,
    cgroup,
    resources,
    deviceRules: planDeviceRules(linux),
    ...idMaps,
    ...(intelRdt ? { intelRdt } : {}),
    netDevices,
    sources: mounts.sources,
    waits: waitedEvents(steps),
    preserveFds: options.preserveFds + (options.listenFds ?? 0),
    terminal: process.terminal === true,
    ...(seccomp.listener ? { seccompListener: seccomp.listener } : {}),
    ...(settings.scheduler ? { scheduler: settings.scheduler } : {}),
    warnings: [
      ...identity.warnings,
      ...resourceWarnings(config, options.cgroupManager),
      ...hookWarnings(config),
      ...rdtWarnings(linux, facts.resctrl),
    ],
    steps,
  }
}

/** From the runtime's namespaces into the container's. */
function enterNamespaces(input: PlanInput, namespaces: NamespacePlan, cgroup: CgroupPlan): Step[] {
  const { config, options, facts } = input
  const { created, joined } = namespaces
  const steps: Step[] = [...planOomScore(config.process)]
  // First, in the runtime's mount namespace: cgroup v1 knows no clone into a cgroup.
  const v1 = Object.values(cgroup.v1)
  if (v1.length > 0) steps.push({ op: 'joinCgroups', paths: v1 })
  steps.push(...namespaces.steps)
  if (created.has('user') || Object.keys(config.linux?.netDevices ?? {}).length > 0) {
    // Until the parent has written the id maps this process has no id that could own anything, and
    // whatever runs in the container, also its hooks, is to find the network devices there.
    steps.push({ op: 'barrier', event: planEvent.namespaces, wait: true, open: facts.euid !== 0 })
  }
  if (created.has('user') || joined.has('user')) steps.push({ op: 'becomeRoot' })
  // After the cgroup is joined: the new namespace's root is the cgroup of this moment.
  if (created.has('cgroup')) steps.push({ op: 'unshareCgroup' })
  // A session of its own is what a controlling terminal needs, and keeps the caller's away.
  steps.push({ op: 'newSession' })
  if (!options.noNewKeyring) steps.push({ op: 'keyring', name: options.keyring ?? `_ses.${input.id}` })
  if (created.has('network')) steps.push({ op: 'loopback' })
  if (config.hostname !== undefined) steps.push({ op: 'hostname', name: config.hostname })
  if (config.domainname !== undefined) steps.push({ op: 'domainname', name: config.domainname })
  return steps
}

/** Mounts and devices, while host paths can still be reached. */
function buildRootfs(input: PlanInput, namespaces: NamespacePlan, mounts: MountPlan): Step[] {
  const { config } = input
  const steps: Step[] = []
  // Before the first mount, so that none of them travels back to the host.
  if (namespaces.created.has('mount')) steps.push(initialPropagation(input))
  const parentSource = mounts.sources[0]?.rootfs ? 1 : 0
  const attach = hasNamespace(namespaces, 'mount')
  const alone = attach && config.linux?.rootfsPropagation === undefined
  steps.push({ op: 'rootfs', path: input.rootfs, attach, alone, parentSource }, ...mounts.steps)
  if (!mounts.devIsBind) steps.push(...planDevices(config.linux))
  // These hooks run in the parent and may still change what is mounted.
  const hooks = config.hooks
  if (hooks?.prestart?.length || hooks?.createRuntime?.length) {
    steps.push({ op: 'barrier', event: planEvent.mounts, wait: true, open: false })
  }
  steps.push(...planCreateContainerHooks(input, namespaces.forksLast))
  return steps
}

/** From here on paths are those of the container. */
function finishRootfs(input: PlanInput, namespaces: NamespacePlan, mounts: MountPlan): Step[] {
  const { config, options } = input
  const { process, linux } = config
  const ownMounts = hasNamespace(namespaces, 'mount')
  const steps: Step[] = [{ op: ownMounts ? (options.noPivot ? 'moveRoot' : 'pivotRoot') : 'chroot' }]
  // Only now: a shared root could not have been pivoted to.
  if (linux?.rootfsPropagation !== undefined) steps.push(propagationStep(linux.rootfsPropagation))
  steps.push({ op: 'workingDirectory', path: process.cwd, create: true })
  if (process.terminal) {
    const { height = 0, width = 0 } = process.consoleSize ?? {}
    steps.push({ op: 'console', rows: height, columns: width, bind: ownMounts })
    if (!namespaces.forksLast) steps.push(...controllingTerminal(process))
  }
  // After the terminal has taken the place of the streams, so that the user owns the terminal.
  steps.push({ op: 'stdio', uid: process.user?.uid ?? 0 })
  // The last things to make in the rootfs are made: now it may become read-only.
  steps.push(...mounts.finish)
  if (config.root.readonly) {
    steps.push({ op: 'mountAttributes', destination: '/', attrSet: mountAttr.rdonly, attrClear: 0, recursive: false })
  }
  return steps
}

/** Settings that the program inherits; all of them while init is still privileged. */
function configureProcess({ config, facts }: PlanInput, cgroup: CgroupPlan, { inherited }: LastFork): Step[] {
  const { process, linux } = config
  const steps: Step[] = [planUmask(process)]
  steps.push(...planApparmor(config, facts))
  steps.push(...planSysctl(linux))
  // After the sysctls and the labels, whose files these two may close.
  steps.push(...unique(linux?.readonlyPaths).map((path): Step => ({ op: 'readonlyPath', path })))
  const masked = unique(linux?.maskedPaths)
  if (masked.length > 0) steps.push({ op: 'mask', paths: masked })
  if (process.noNewPrivileges) steps.push({ op: 'noNewPrivileges' })
  steps.push(...inherited)
  // The runtime may be bound to some CPUs; in a cgroup of its own the container's cpuset decides.
  if (cgroup.unified !== undefined || Object.keys(cgroup.v1).length > 0) steps.push({ op: 'affinity', cpus: 'all' })
  steps.push(...planSelinux(config, facts))
  return steps
}

function dropPrivileges(identity: readonly Step[], seccomp: SeccompPlan): Step[] {
  return seccomp.early && seccomp.step ? [seccomp.step, ...identity] : [...identity]
}

/** config-linux.md "Rootfs Mount Propagation"; slave unless configured, so that unmounts of the host still arrive. */
function initialPropagation({ config, options }: PlanInput): Step {
  const configured = config.linux?.rootfsPropagation ?? 'rslave'
  if (options.noPivot && configured.endsWith('private')) {
    // Without pivot_root the host's mounts stay below the moved root and must go when the host's do.
    const message = `${configured} is not safe without pivot_root`
    throw ConfigError.from([{ pointer: '/linux/rootfsPropagation', message }])
  }
  // An unbindable tree could not be cloned to become the rootfs; it becomes so after pivot_root.
  const now = configured.endsWith('unbindable') ? 'rslave' : configured
  return propagationStep(now)
}

function propagationStep(name: keyof typeof propagation): Step {
  const { recursive } = propagationBit
  const bits = propagation[name]
  return { op: 'propagation', target: '/', flags: bits & ~recursive, recursive: (bits & recursive) !== 0 }
}

function hasNamespace({ created, joined }: NamespacePlan, type: 'mount' | 'cgroup'): boolean {
  return created.has(type) || joined.has(type)
}

function unique(paths: readonly string[] | undefined): string[] {
  return [...new Set(paths)]
}

function placeCgroup({ config, id, facts, options }: PlanInput): CgroupPlan {
  if (options.cgroup !== undefined) return options.cgroup
  if (options.cgroupManager === 'disabled') return { v1: {} }
  return options.cgroupManager === 'systemd' ? planSystemdCgroup(config, id, facts) : planCgroup(config, id, facts)
}

function waitedEvents(steps: readonly Step[]): PlanEvent[] {
  const waited = new Set<number>()
  for (const step of steps) if (step.op === 'barrier' && step.wait) waited.add(step.event)
  return (Object.keys(planEvent) as PlanEvent[]).filter((name) => waited.has(planEvent[name]))
}
