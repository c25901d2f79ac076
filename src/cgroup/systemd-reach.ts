/**
 * Cgroup: brings this process to where it may put others into the scopes of the user's own systemd.
 *
 * That takes write permission for cgroup.procs of the nearest cgroup above both (cgroups(7), "Delegation:
 * containment"). A login session is outside of what the system has delegated to the user's systemd. So the process
 * asks systemd for a scope of its own, which lasts as long as the process.
 */
import { unifiedCgroupOf } from '../host/process-cgroups.js'
import { closeFile, hasErrno, openFile, openFlag, processIds } from '../native/binding.js'
import type { Waiter } from '../native/wait.js'
import type { CgroupPlan } from '../plan/types.js'
import { startScope, withSystemd } from './systemd-bus.js'

/** Joins a scope of its own unless it may put processes into the cgroup as it is. @throws UnsupportedError, SystemdError */
export async function joinOwnScope({ unified }: CgroupPlan, waiter: Waiter): Promise<void> {
  const own = unifiedCgroupOf('self')
  if (unified === undefined || own === undefined || mayMove(own, unified)) return
  const { pid } = processIds()
  const description = ['Description', 's', `tsrun, process ${pid}`] as const
  await withSystemd('user', waiter, (systemd) => startScope(systemd, `tsrun.${pid}.scope`, [0], [description]))
}

function mayMove(from: string, to: string): boolean {
  try {
    closeFile(openFile(`${commonAncestor(from, to)}/cgroup.procs`, openFlag.write))
    return true
  } catch (error) {
    if (hasErrno(error, 'EACCES') || hasErrno(error, 'EROFS')) return false
    throw error
  }
}

function commonAncestor(one: string, other: string): string {
  const others = other.split('/')
  const differing = one.split('/').findIndex((part, at) => part !== others[at])
  return differing < 0 ? one : others.slice(0, differing).join('/')
}
