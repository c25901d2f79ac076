/** Cgroup: waits until killed processes of a cgroup have ended. */
import { sigkill } from '../config/vocabulary/signals.js'
import { closeFile, drain, fileInfo, notifyFile, openProcess, readFileIfAny, signalProcess } from '../native/binding.js'
import type { Waiter } from '../native/wait.js'
import { processesIn, treeOf } from './tree.js'

/** Kills a process and waits until it has ended; nothing to do when it has already. */
async function endProcess(pid: number, waiter: Waiter): Promise<void> {
  const pidfd = openProcess(pid)
  if (pidfd < 0) return
  try {
    signalProcess(pidfd, sigkill)
    await waiter.readable(pidfd)
  } finally {
    closeFile(pidfd)
  }
}

/**
 * Until a cgroup directory, whose processes have been killed, has no live process, in it or below, by
 * the kernel's notice on cgroup.events (cgroup v2). Where that file is missing (v1), until those that
 * are there now have ended: they may have been forked after the kill, so they are killed first.
 */
export async function cgroupEmptied(directory: string, waiter: Waiter): Promise<void> {
  const events = `${directory}/cgroup.events`
  if (fileInfo(events) === undefined) {
    for (const pid of treeOf(directory).flatMap(processesIn)) await endProcess(pid, waiter)
    return
  }
  const notice = notifyFile(events)
  try {
    while (readFileIfAny(events)?.includes('populated 1')) {
      await waiter.readable(notice)
      drain(notice)
    }
  } finally {
    closeFile(notice)
  }
}
