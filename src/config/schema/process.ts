/** Stage 1, config: the shape of `process` (config.md "Process"), which `exec --process` reads as well. */
import { integer, lazily, list, object, oneOf } from './shape.js'
import { cpuList, flag, id, int32, text, textOrEmpty, texts, textThat, uint16, uint32, uint64 } from './values.js'

const rlimitTypes = [
  'RLIMIT_AS',
  'RLIMIT_CORE',
  'RLIMIT_CPU',
  'RLIMIT_DATA',
  'RLIMIT_FSIZE',
  'RLIMIT_LOCKS',
  'RLIMIT_MEMLOCK',
  'RLIMIT_MSGQUEUE',
  'RLIMIT_NICE',
  'RLIMIT_NOFILE',
  'RLIMIT_NPROC',
  'RLIMIT_RSS',
  'RLIMIT_RTPRIO',
  'RLIMIT_RTTIME',
  'RLIMIT_SIGPENDING',
  'RLIMIT_STACK',
] as const

const schedulerPolicies = [
  'SCHED_OTHER',
  'SCHED_FIFO',
  'SCHED_RR',
  'SCHED_BATCH',
  'SCHED_ISO',
  'SCHED_IDLE',
  'SCHED_DEADLINE',
] as const

const schedulerFlags = [
  'SCHED_FLAG_RESET_ON_FORK',
  'SCHED_FLAG_RECLAIM',
  'SCHED_FLAG_DL_OVERRUN',
  'SCHED_FLAG_KEEP_POLICY',
  'SCHED_FLAG_KEEP_PARAMS',
  'SCHED_FLAG_UTIL_CLAMP_MIN',
  'SCHED_FLAG_UTIL_CLAMP_MAX',
] as const

const ioPriorityClasses = ['IOPRIO_CLASS_RT', 'IOPRIO_CLASS_BE', 'IOPRIO_CLASS_IDLE'] as const

/** Shape of `process`. */
export const processShape = lazily(() =>
  object(
    { cwd: text, args: list(text, { min: 1 }) },
    {
      terminal: flag,
      consoleSize: object({ height: uint16, width: uint16 }, {}),
      env: list(textThat((entry) => entry.includes('='), 'NAME=value')),
      user: object({}, { uid: id, gid: id, umask: uint32, additionalGids: list(id) }),
      rlimits: list(object({ type: oneOf('rlimit type', rlimitTypes), soft: uint64, hard: uint64 }, {})),
      apparmorProfile: textOrEmpty,
      capabilities: object(
        {},
        { bounding: texts, effective: texts, inheritable: texts, permitted: texts, ambient: texts },
      ),
      noNewPrivileges: flag,
      // the kernel's OOM_SCORE_ADJ_MIN and OOM_SCORE_ADJ_MAX
      oomScoreAdj: integer(-1000, 1000),
      scheduler: schedulerShape(),
      selinuxLabel: textOrEmpty,
      ioPriority: object({ class: oneOf('I/O priority class', ioPriorityClasses) }, { priority: integer(0, 7) }),
      execCPUAffinity: object({}, { initial: cpuList(), final: cpuList() }),
    },
  ),
)

const schedulerShape = lazily(() =>
  object(
    { policy: oneOf('scheduler policy', schedulerPolicies) },
    {
      nice: int32,
      priority: int32,
      flags: list(oneOf('scheduler flag', schedulerFlags)),
      runtime: uint64,
      deadline: uint64,
      period: uint64,
    },
  ),
)
