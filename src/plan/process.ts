/** Stage 2, plan: the program of the container and the settings that it inherits across execve. */
import type { IOPriorityClass, Linux, Process, SchedulerFlag, SchedulerPolicy } from '../config/types.js'
import { planMemoryPolicy } from './memory-policy.js'
import type { Step, StepOf } from './steps.js'
import type { PlanOptions } from './types.js'

/** SCHED_* policies of sched_setattr(2). */
export const schedulerPolicy = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
} as const satisfies Record<SchedulerPolicy, number>

/** SCHED_FLAG_* of sched_setattr(2). */
export const schedulerFlag = {
  SCHED_FLAG_RESET_ON_FORK: 0x01,
  SCHED_FLAG_RECLAIM: 0x02,
  SCHED_FLAG_DL_OVERRUN: 0x04,
  SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
} as const satisfies Record<SchedulerFlag, number>

/** IOPRIO_CLASS_* of ioprio_set(2), which stand above the 13 bits of the level. */
const ioPriorityClass = {
  IOPRIO_CLASS_RT: 1,
  IOPRIO_CLASS_BE: 2,
  IOPRIO_CLASS_IDLE: 3,
} as const satisfies Record<IOPriorityClass, number>
const ioPriorityClassShift = 13

/** Domains of personality(2). */
const personalityDomain = { LINUX: 0x0000, LINUX32: 0x0008 } as const

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

function schedulerStep(scheduler: NonNullable<Process['scheduler']>): StepOf<'scheduler'> {
  let flags = 0
  for (const flag of scheduler.flags ?? []) flags |= schedulerFlag[flag]
  return {
    op: 'scheduler',
    policy: schedulerPolicy[scheduler.policy],
    flags,
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
