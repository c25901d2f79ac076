/** Stage 4, launch: waiting without a clock, in the two ways tsrun has: blocking, or on the event loop. */
import {
  closeFile,
  drain,
  fileInfo,
  lockFile,
  lockInBackground,
  notifyFile,
  openProcess,
  readable,
  readFileIfAny,
  receive,
  signalProcess,
  waitReadable,
  type Frame,
} from '../native/binding.js'
import { processesIn, treeOf } from './cgroup.js'

const sigkill = 9

/** How a caller of the library waits; the command line blocks, a daemon must not. */
export interface Waiter {
  /** Until the descriptor is readable. */
  readable(fd: number): Promise<void>
  /** The next frame from init; null when it has closed its end. */
  frame(sync: number): Promise<Frame | null>
  /** Until the lock on the descriptor of a state directory is taken: others may hold it as long as a hook runs. */
  readonly locked: (fd: number) => Promise<void>
}

/** Waits with blocking system calls: nothing to load, no thread, no wake-up. */
export const blockingWaiter: Waiter = {
  readable(fd) {
    waitReadable(fd)
    return Promise.resolve()
  },
  frame: (sync) => Promise.resolve(receive(sync, { wait: true }) ?? null),
  locked(fd) {
    lockFile(fd, { wait: true })
    return Promise.resolve()
  },
}

/** Waits on the event loop, through the addon's one watcher thread. */
export const eventWaiter: Waiter = {
  readable,
  async frame(sync) {
    for (;;) {
      const frame = receive(sync, { wait: false })
      if (frame !== undefined) return frame
      await readable(sync)
    }
  },
  // A blocking call could wait for ever: for an operation of this very process, which needs the event loop.
  async locked(fd) {
    if (lockFile(fd, { wait: false })) return
    const notice = lockInBackground(fd)
    try {
      await readable(notice)
    } finally {
      closeFile(notice)
    }
  },
}

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
