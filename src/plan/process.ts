/** Stage 2, plan: the program of the container and the settings that it inherits across execve. */
import type { Linux, Process } from '../config/types.js'
import { personalityDomain } from '../config/vocabulary/linux.js'
import { ioPriorityClass, schedulerFlag, schedulerPolicy } from '../config/vocabulary/process.js'
import { bitsOf } from '../config/vocabulary/table.js'
import { planMemoryPolicy } from './memory-policy.js'
import type { Step, StepOf } from './steps.js'
import type { PlanOptions } from './types.js'

/** The class of ioprio_set(2) stands above the 13 bits of the level. */
const ioPriorityClassShift = 13

/** What the spec leaves to the runtime; runc's value. */
const defaultUmask = 0o022

/** How likely the OOM killer takes the container's processes, -1000 to 1000; nothing where the config does not say. */
export function planOomScore({ oomScoreAdj }: Process): Step[] {
  return oomScoreAdj === undefined ? [] : [{ op: 'oomScoreAdj', value: oomScoreAdj >>> 0 }]
}

/** The umask for the container's process. */
export function planUmask(process: Process): Step {
  return { op: 'umask', mode: process.user?.umask ?? defaultUmask }
}

/** Scheduler, I/O priority, personality and memory policy; nothing for what the config does not mention. */
export function planExecution(process: Process, linux: Linux | undefined): Step[] {
  const steps: Step[] = []
  if (process.scheduler !== undefined) steps.push(schedulerStep(process.scheduler))
  if (process.ioPriority !== undefined) {
    const { class: name, priority } = process.ioPriority
    steps.push({ op: 'ioPriority', value: (ioPriorityClass[name] << ioPriorityClassShift) | (priority ?? 0) })
  }
  const personality = linux?.personality?.domain
  if (personality !== undefined) steps.push({ op: 'personality', domain: personalityDomain[personality] })
  steps.push(...planMemoryPolicy(linux))
  return steps
}

/**
 * True for what a fork takes back from the child (SCHED_FLAG_RESET_ON_FORK), or is refused with (SCHED_DEADLINE without
 * that flag): sched(7).
 */
export const endsWithFork = (step: Step): step is StepOf<'scheduler'> =>
  step.op === 'scheduler' &&
  (step.policy === schedulerPolicy.SCHED_DEADLINE ||
    (BigInt(step.flags) & BigInt(schedulerFlag.SCHED_FLAG_RESET_ON_FORK)) !== 0n)

function schedulerStep(scheduler: NonNullable<Process['scheduler']>): StepOf<'scheduler'> {
  return {
    op: 'scheduler',
    policy: schedulerPolicy[scheduler.policy],
    flags: bitsOf(schedulerFlag, scheduler.flags ?? []),
    nice: (scheduler.nice ?? 0) >>> 0,
    priority: scheduler.priority ?? 0,
    runtime: scheduler.runtime ?? 0,
    deadline: scheduler.deadline ?? 0,
    period: scheduler.period ?? 0,
  }
}

/** Environment of the container's process: of two entries of one name the later one wins (as runc). */
export function planEnvironment(process: Process, options: Partial<PlanOptions>): string[] {
  const entries = new Map<string, string>()
  const add = (entry: string): void => {
    const equals = entry.indexOf('=')
    const name = equals < 0 ? entry : entry.slice(0, equals)
    entries.delete(name)
    entries.set(name, entry)
  }
  for (const entry of process.env ?? []) add(entry)
  // sd_listen_fds(3): init is the process that the descriptors are meant for.
  if (options.listenFds !== undefined && options.listenFds > 0) {
    add(`LISTEN_FDS=${options.listenFds}`)
    add('LISTEN_PID=1')
  }
  // Init puts the user's home directory there.
  if (entries.get('HOME') === 'HOME=') entries.delete('HOME')
  return [...entries.values()]
}

/** What init executes; looked up in the container's PATH by the container's user. */
export function planProgram(process: Process, env: readonly string[]): Step {
  return {
    op: 'program',
    args: process.args,
    env,
    cwd: process.cwd,
    home: !env.some((entry) => entry.startsWith('HOME=')),
    uid: process.user?.uid ?? 0,
  }
}
