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
      consoleSize: object({ height: uint16, width: uint16 }, {}),
      env: list(textThat((entry) => entry.includes('='), 'NAME=value')),
      user: object({}, { uid: id, gid: id, umask: uint32, additionalGids: list(id) }),
      rlimits: list(object({ type: oneOf('rlimit type', rlimitNumber), soft: uint64, hard: uint64 }, {})),
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
      ioPriority: object({ class: oneOf('I/O priority class', ioPriorityClass) }, { priority: integer(0, 7) }),
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
