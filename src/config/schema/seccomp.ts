/** Stage 1, config: the shape of `linux.seccomp` (config-linux.md "Seccomp"). */
import { integer, lazily, list, object, oneOf } from './shape.js'
import { seccompAction, seccompArchitecture, seccompFlag, seccompOperator } from '../vocabulary/seccomp.js'
import { text, textOrEmpty, uint16, uint64 } from './values.js'

/** Shape of `linux.seccomp`; an errno fits the 16 bits of SECCOMP_RET_DATA. */
export const seccompShape = lazily(() => {
  const action = oneOf('seccomp action', seccompAction)
  const argument = object(
    { index: integer(0, 5), value: uint64, op: oneOf('operator', seccompOperator) },
    { valueTwo: uint64 },
  )
  return object(
    { defaultAction: action },
    {
      defaultErrnoRet: uint16,
      architectures: list(oneOf('architecture', seccompArchitecture)),
      /** Absent is not the same as empty: the default flags apply only when absent. */
      flags: list(oneOf('seccomp flag', seccompFlag)),
      listenerPath: textOrEmpty,
      listenerMetadata: textOrEmpty,
      syscalls: list(object({ names: list(text, { min: 1 }), action }, { errnoRet: uint16, args: list(argument) })),
    },
    { isAbsent: isDisabled },
  )
})

/** An empty filter is how Go writes "no filter", since it always writes `defaultAction`. */
function isDisabled(seccomp: unknown): boolean {
  if (typeof seccomp !== 'object' || seccomp === null) return false
  const { defaultAction = '', syscalls } = seccomp as { defaultAction?: unknown; syscalls?: unknown }
  return (defaultAction ?? '') === '' && (!Array.isArray(syscalls) || syscalls.length === 0)
}
