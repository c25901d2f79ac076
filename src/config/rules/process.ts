/** Stage 1, config: rules across the fields of `process`, `root` and `hooks` (config.md). */
import { pointer } from '../pointer.js'
import type { Scheduler } from '../types.js'
import { duplicates, requireAbsolute, type Rule } from './rule.js'

/** The spec lets a document omit the process until `start`; like the peers, `create` already needs it. */
export const processIsGiven: Rule = (config, report) => {
  if (config.process === undefined) report(['process'], 'is missing')
}

/** Only virtual machines run without a root file system. */
export const rootIsGiven: Rule = (config, report) => {
  if (config.root === undefined) report(['root'], 'is missing')
  else if (config.root.path === '') report(['root', 'path'], 'must not be empty')
}

/** config.md "Process": cwd "MUST be an absolute path". */
export const cwdIsAbsolute: Rule = (config, report) => {
  if (config.process !== undefined) requireAbsolute(config.process.cwd, ['process', 'cwd'], report)
}

/** config.md "Process": "the runtime MUST generate an error" for two limits of one type. */
export const rlimitsAreUnique: Rule = (config, report) => {
  const rlimits = config.process?.rlimits ?? []
  for (const { index, first } of duplicates(rlimits, (rlimit) => rlimit.type)) {
    report(['process', 'rlimits', index, 'type'], `limits the same as ${pointer(['process', 'rlimits', first])}`)
  }
}

/** setrlimit(2): EINVAL for a soft limit above the hard one. */
export const softLimitsAreBelowHardOnes: Rule = (config, report) => {
  config.process?.rlimits?.forEach(({ soft, hard }, index) => {
    if (soft > hard) {
      report(['process', 'rlimits', index, 'soft'], `${String(soft)} is above the hard limit ${String(hard)}`)
    }
  })
}

/** sched_setattr(2): which attributes a policy takes, and their ranges. */
export const schedulerFitsPolicy: Rule = (config, report) => {
  const scheduler = config.process?.scheduler
  if (scheduler === undefined) return
  const { policy, nice = 0, priority = 0 } = scheduler
  if (nice < -20 || nice > 19) report(['process', 'scheduler', 'nice'], `must be from -20 to 19, found ${String(nice)}`)
  if (policy === 'SCHED_FIFO' || policy === 'SCHED_RR') {
    if (priority < 1 || priority > 99) {
      report(['process', 'scheduler', 'priority'], `must be from 1 to 99 with ${policy}, found ${String(priority)}`)
    }
  } else if (priority !== 0) {
    report(['process', 'scheduler', 'priority'], `is for SCHED_FIFO and SCHED_RR, the policy is ${policy}`)
  }
  if (policy === 'SCHED_DEADLINE') return
  for (const name of ['runtime', 'deadline', 'period'] as const satisfies readonly (keyof Scheduler)[]) {
    // 0n only comes from library callers, but is as absent as 0
    if (Number(scheduler[name] ?? 0) !== 0) {
      report(['process', 'scheduler', name], `is for SCHED_DEADLINE, the policy is ${policy}`)
    }
  }
}

/** config.md "POSIX-platform Hooks": path "MUST be an absolute path". */
export const hookPathsAreAbsolute: Rule = (config, report) => {
  for (const [kind, hooks] of Object.entries(config.hooks ?? {}) as [string, readonly { path: string }[]][]) {
    hooks.forEach((hook, index) => {
      requireAbsolute(hook.path, ['hooks', kind, index, 'path'], report)
    })
  }
}
