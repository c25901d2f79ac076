/** What the tests of the plan stage share: small inputs, and the plan taken apart again. */
import { readFileSync } from 'node:fs'
import type { Config, Linux, Process } from '#dist/config/types.js'
import { compilePlan } from '#dist/plan/compile.js'
import { everything } from '#dist/plan/identity.js'
import type { Step, StepName, StepOf } from '#dist/plan/steps.js'
import type { HostFacts, LaunchPlan, PlanInput } from '#dist/plan/types.js'

/** A host with cgroup v2 only, seen by root; the runtime is in a service. */
export const unifiedHost: HostFacts = {
  euid: 0,
  egid: 0,
  inUserNamespace: false,
  cgroup: { mode: 'v2', unified: '/sys/fs/cgroup', v1: {}, own: { '': '/system.slice/caller.service' } },
  apparmor: false,
  procOfOthers: true,
  selinux: false,
  highestCapability: 40,
  grantableCapabilities: everything,
}

/** A host with cgroup v1 controllers beside an empty unified hierarchy. */
export const hybridHost: HostFacts = {
  ...unifiedHost,
  cgroup: {
    mode: 'hybrid',
    unified: '/sys/fs/cgroup/unified',
    v1: {
      memory: '/sys/fs/cgroup/memory',
      'cpu,cpuacct': '/sys/fs/cgroup/cpu,cpuacct',
      'name=systemd': '/sys/fs/cgroup/systemd',
      'name=elsewhere': '/sys/fs/cgroup/elsewhere',
    },
    own: { '': '/', memory: '/job', 'cpu,cpuacct': '/', 'name=systemd': '/user.slice' },
  },
}

/** Namespaces of an ordinary container. */
export const usualNamespaces = (['pid', 'network', 'ipc', 'uts', 'mount'] as const).map((type) => ({ type }))

/** A loaded config that asks for nothing but its process. */
export function config(members: Partial<Config> = {}): Config {
  return { ociVersion: '1.3.0', root: { path: 'rootfs' }, process: processOf(), ...members }
}

/** The process of that config, with the given members. */
export function processOf(members: Partial<Process> = {}): Process {
  return { cwd: '/', args: ['sh'], ...members }
}

/** That config with the usual namespaces and the given members of `linux`. */
export function linux(members: Partial<Linux> = {}, others: Partial<Config> = {}): Config {
  return config({ linux: { namespaces: usualNamespaces, ...members }, ...others })
}

/** What compilePlan takes, for a config. */
export function input(config: Config, others: Partial<PlanInput> = {}): PlanInput {
  return {
    id: 'demo',
    config,
    bundle: '/bundle',
    rootfs: '/bundle/rootfs',
    facts: unifiedHost,
    options: { noPivot: false, noNewKeyring: false, preserveFds: 0, waitForStart: true },
    compileSeccomp: () => new Uint8Array(16),
    ...others,
  }
}

/** The plan of a config. */
export function plan(config: Config, others: Partial<PlanInput> = {}): LaunchPlan {
  return compilePlan(input(config, others))
}

/** All steps of one kind. */
export function stepsOf<N extends StepName>(steps: readonly Step[], op: N): StepOf<N>[] {
  return steps.filter((step): step is StepOf<N> => step.op === op)
}

/** The only step of one kind. */
export function stepOf<N extends StepName>(steps: readonly Step[], op: N): StepOf<N> {
  const [step, ...more] = stepsOf(steps, op)
  if (step === undefined || more.length > 0) throw new Error(`${more.length + (step ? 1 : 0)} steps ${op}`)
  return step
}

/** Names of the steps, in order. */
export const names = (steps: readonly Step[]): StepName[] => steps.map((step) => step.op)

/** The text of a file of test/data. */
export function dataText(name: string): string {
  return readFileSync(new URL(`../../../../test/data/${name}`, import.meta.url), 'utf8')
}
