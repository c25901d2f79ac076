/**
 * Stage 2, plan: the last steps of init. Where others are in the container's pid namespace it forks into that as its last
 * act with rights: nobody there can trace it, or look into it, on the way (CVE-2016-9962). Pure.
 */
import type { Linux, Process } from '../config/types.js'
import { hasCapability } from './identity.js'
import { endsWithFork, planExecution } from './process.js'
import { planRlimits, planRlimitsAcrossFork } from './rlimits.js'
import type { SeccompPlan } from './seccomp.js'
import { planEvent, type Step, type StepOf } from './steps.js'
import type { HostFacts } from './types.js'

/** What the program inherits, as far as a fork makes a difference to it. */
export interface LastFork {
  /** Settings that survive it. */
  readonly inherited: readonly Step[]
  /** What only the child can do: it takes no right. */
  readonly own: readonly Step[]
  /** For the parent, once the child is there. */
  readonly scheduler?: StepOf<'scheduler'>
}

/** What planning the settings must know of the rest. */
export interface ForkContext {
  readonly forks: boolean
  readonly userNamespace: boolean
  readonly facts: Pick<HostFacts, 'inUserNamespace' | 'grantableCapabilities'>
}

/** Sorts scheduler, limits and their like into what init sets before its last fork and what comes after. */
export function planLastFork(process: Process, linux: Linux | undefined, context: ForkContext): LastFork {
  const { forks, userNamespace, facts } = context
  const settings = planExecution(process, linux)
  if (!forks) return { inherited: [...settings, ...planRlimits(process)], own: [] }
  // The kernel asks for the right in the initial user namespace (prlimit(2)).
  const isInitial = !userNamespace && !facts.inUserNamespace
  const mayRaise = isInitial && hasCapability(facts.grantableCapabilities, 'CAP_SYS_RESOURCE')
  const scheduler = settings.find(endsWithFork)
  const [limits, own] = planRlimitsAcrossFork(process, { mayRaise })
  return {
    inherited: [...settings.filter((step) => step !== scheduler), ...limits],
    own,
    ...(scheduler ? { scheduler } : {}),
  }
}

/** Forks, into a session of its own: signals that the keyboard of the caller's terminal makes are not for it. */
export const forkIntoSession = (): Step[] => [{ op: 'fork', flags: 0 }, { op: 'newSession' }]

/** For the leader of the session that the program is in. */
export const controllingTerminal = ({ terminal }: Process): Step[] => (terminal ? [{ op: 'controllingTerminal' }] : [])

/** From the filter on: a profile that does not permit the fork is loaded by the child. */
export function planEnd(end: {
  readonly seccomp: SeccompPlan
  /** The fork, and what only the child can do. */
  readonly fork: readonly Step[]
  readonly waits: boolean
  readonly hooks: readonly Step[]
}): Step[] {
  const { seccomp, fork, waits, hooks } = end
  const filter = seccomp.step === undefined || seccomp.early ? [] : [seccomp.step]
  return [
    ...(seccomp.sealed ? filter : []),
    ...fork,
    ...(seccomp.sealed ? [] : filter),
    { op: 'barrier', event: planEvent.created, wait: false, open: false },
    ...(waits ? [{ op: 'awaitStart' } as const] : []),
    ...hooks,
    { op: 'exec' },
  ]
}
