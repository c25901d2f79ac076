/** Stage 4, launch: the processes of a container. */
import { sameNamespace } from '../host/namespaces.js'
import { listDirectory } from '../native/binding.js'
import { liveProcess } from '../state/observe.js'
import type { StateRecord } from '../state/record.js'
import { Cgroup } from '../cgroup/cgroup.js'

/**
 * Pids of all processes, in the pid namespace of the runtime: those in the container's cgroups, or where
 * it has none those in its pid namespace. Without both only init is known.
 */
export function processesOf(record: StateRecord): number[] {
  const cgroup = new Cgroup(record.cgroup)
  if (cgroup.directories.length > 0) return cgroup.processes()
  if (liveProcess(record) === undefined) return []
  const others = record.ownPidNamespace ? namespaceMembers(record.pid) : []
  // The namespaces of a process that has not been started yet are closed to an ordinary user.
  return others.includes(record.pid) ? others : [record.pid, ...others]
}

/** Pids of all processes in the pid namespace of `init`, also of those that have ended and were not reaped. */
export function namespaceMembers(init: number): number[] {
  return listDirectory('/proc')
    .filter((name) => /^\d+$/.test(name) && sameNamespace(`/proc/${name}/ns/pid`, `/proc/${init}/ns/pid`))
    .map(Number)
}
