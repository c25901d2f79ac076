/** Stage 1, config: rules for `linux.seccomp` (config-linux.md "Seccomp"). */
import type { Path } from '../pointer.js'
import type { Seccomp, SeccompAction } from '../types.js'
import type { Rule } from './rule.js'

/** SECCOMP_RET_DATA of the other actions has no meaning to the kernel. */
const actionsWithErrno: readonly SeccompAction[] = ['SCMP_ACT_ERRNO', 'SCMP_ACT_TRACE']

/** Init still has to tell the parent about the listener when the filter is loaded. The words are runc's. */
export const notifyLeavesInitAlone: Rule = (config, report) => {
  const seccomp = config.linux?.seccomp
  if (seccomp?.defaultAction === 'SCMP_ACT_NOTIFY') {
    report(['linux', 'seccomp', 'defaultAction'], 'SCMP_ACT_NOTIFY cannot be used as default action')
  }
  seccomp?.syscalls?.forEach(({ names, action }, index) => {
    if (action === 'SCMP_ACT_NOTIFY' && names.includes('write')) {
      report(['linux', 'seccomp', 'syscalls', index, 'action'], 'SCMP_ACT_NOTIFY cannot be used for the write syscall')
    }
  })
}

/** Nobody would answer. The reverse, a path that is not used, is ignored: config-linux.md says so. */
export const notifyHasListener: Rule = (config, report) => {
  const seccomp = config.linux?.seccomp
  if (seccomp === undefined) return
  if (seccomp.listenerPath === undefined) {
    if (usesNotify(seccomp)) report(['linux', 'seccomp', 'listenerPath'], 'is missing: SCMP_ACT_NOTIFY needs it')
    if (seccomp.listenerMetadata !== undefined) {
      report(['linux', 'seccomp', 'listenerMetadata'], 'must not be set without listenerPath')
    }
  }
}

/** config-linux.md: "When the action doesn't support an errno, the runtime MUST print and error and fail". */
export const errnoFitsAction: Rule = (config, report) => {
  const seccomp = config.linux?.seccomp
  if (seccomp === undefined) return
  const check = (action: SeccompAction, errno: number | undefined, at: Path) => {
    if (errno !== undefined && !actionsWithErrno.includes(action)) report(at, `${action} does not take an errno`)
  }
  check(seccomp.defaultAction, seccomp.defaultErrnoRet, ['linux', 'seccomp', 'defaultErrnoRet'])
  seccomp.syscalls?.forEach(({ action, errnoRet }, index) => {
    check(action, errnoRet, ['linux', 'seccomp', 'syscalls', index, 'errnoRet'])
  })
}

function usesNotify(seccomp: Seccomp): boolean {
  return (seccomp.syscalls ?? []).some(({ action }) => action === 'SCMP_ACT_NOTIFY')
}
