/** Stage 2, plan: the process that `exec` adds: what it is asked for, over what the container has. Pure. */
import { processChanges, type processChangesShape } from '../config/schema/process-changes.js'
import type { TypeOf } from '../config/schema/shape.js'
import type { Capabilities, Config, Process } from '../config/types.js'

/** Changes to the config's own process, as `exec` takes them one by one. */
export type ProcessChanges = TypeOf<ReturnType<typeof processChangesShape>>

/** The changes among the options of `exec`. */
export function changesAmong(options: ProcessChanges): ProcessChanges {
  const { required, optional } = processChanges()
  const given = Object.entries({ ...required, ...optional }).map(([name]) => [
    name,
    options[name as keyof ProcessChanges],
  ])
  return Object.fromEntries(given.filter(([, value]) => value !== undefined)) as ProcessChanges
}

/** The config's process with changes. Has no terminal unless one is asked for. */
export function changedProcess(base: Process, changes: ProcessChanges): Process {
  const { args, terminal, cwd, env, user, additionalGids, capabilities, ...rest } = changes
  return {
    ...base,
    ...rest,
    args,
    terminal: terminal ?? false,
    cwd: cwd ?? base.cwd,
    env: [...(base.env ?? []), ...(env ?? [])],
    user: {
      ...base.user,
      ...user,
      additionalGids: [...(base.user?.additionalGids ?? []), ...(additionalGids ?? [])],
    },
    ...(base.capabilities ? { capabilities: withCapabilities(base.capabilities, capabilities ?? []) } : {}),
  }
}

/**
 * The inheritable set stays as it is: programs with file capabilities of the image would come by these
 * (CVE-2022-29162, CVE-2022-27650). Ambient ones need inheritable ones, so they are set only with such.
 */
function withCapabilities(sets: Capabilities, names: readonly string[]): Capabilities {
  if (names.length === 0) return sets
  const more = (set: readonly string[] | undefined): string[] => [...(set ?? []), ...names]
  return {
    ...sets,
    bounding: more(sets.bounding),
    effective: more(sets.effective),
    permitted: more(sets.permitted),
    ...(sets.inheritable ? { ambient: more(sets.ambient) } : {}),
  }
}

/**
 * A process that was given whole, completed with what the container stands for: without these members
 * of its own it gets the container's, so that leaving one out never means more rights (as runc).
 */
export function completedProcess(process: Process, { process: base }: Config): Process {
  const rlimits = process.rlimits?.length ? process.rlimits : base.rlimits
  const umask = process.user?.umask ?? base.user?.umask
  return {
    ...inherited(base),
    ...process,
    ...(rlimits ? { rlimits } : {}),
    ...(umask === undefined ? {} : { user: { ...process.user, umask } }),
  }
}

const inheritedMembers = [
  'apparmorProfile',
  'capabilities',
  'noNewPrivileges',
  'oomScoreAdj',
  'scheduler',
  'selinuxLabel',
  'ioPriority',
  'execCPUAffinity',
] as const satisfies readonly (keyof Process)[]

function inherited(base: Process): Partial<Process> {
  return Object.fromEntries(inheritedMembers.flatMap((name) => (base[name] === undefined ? [] : [[name, base[name]]])))
}
