/** Stage 1, config: the shape of `process` (config.md "Process"), which `exec --process` reads as well. */
import { integer, lazily, list, object, oneOf } from './shape.js'
import { ioPriorityClass, rlimitNumber, schedulerFlag, schedulerPolicy } from '../vocabulary/process.js'
import { cpuList, flag, id, int32, text, textOrEmpty, texts, textThat, uint16, uint32, uint64 } from './values.js'

/** Shape of `process`. */
export const processShape = lazily(() =>
  object(
    { cwd: text, args: list(text, { min: 1 }) },
    {
      terminal: flag,
      /** Characters. */
      consoleSize: object({ height: uint16, width: uint16 }, {}),
      /** Each `NAME=value`. */
      env: list(textThat((entry) => entry.includes('='), 'NAME=value')),
      /** Ids 0 to 2^32 - 2; of umask the kernel takes 0o777. */
      user: object({}, { uid: id, gid: id, umask: uint32, additionalGids: list(id) }),
      /** 2^64 - 1 is RLIM_INFINITY. */
      rlimits: list(object({ type: oneOf('rlimit type', rlimitNumber), soft: uint64, hard: uint64 }, {})),
      apparmorProfile: textOrEmpty,
      /** Names as `CAP_CHOWN`; those that nobody knows are kept, planning warns about them. */
      capabilities: object(
        {},
        { bounding: texts, effective: texts, inheritable: texts, permitted: texts, ambient: texts },
      ),
      noNewPrivileges: flag,
      // the kernel's OOM_SCORE_ADJ_MIN and OOM_SCORE_ADJ_MAX
      oomScoreAdj: integer(-1000, 1000),
      /** Arguments of sched_setattr(2); times in nanoseconds, nice -20 to 19, priority 1 to 99 for SCHED_FIFO and SCHED_RR only. */
      scheduler: schedulerShape(),
      selinuxLabel: textOrEmpty,
      /** Arguments of ioprio_set(2); priority 0 when absent. */
      ioPriority: object({ class: oneOf('I/O priority class', ioPriorityClass) }, { priority: integer(0, 7) }),
      /** CPU lists such as `0-3,7` for processes added by `exec`, before and after they join the cgroup. */
      execCPUAffinity: object({}, { initial: cpuList(), final: cpuList() }),
    },
  ),
)

const schedulerShape = lazily(() =>
  object(
    { policy: oneOf('scheduler policy', schedulerPolicy) },
    {
      nice: int32,
      priority: int32,
      flags: list(oneOf('scheduler flag', schedulerFlag)),
      runtime: uint64,
      deadline: uint64,
      period: uint64,
    },
  ),
)
