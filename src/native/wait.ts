/** Native: waiting without a clock, in the two ways tsrun has: blocking, or on the event loop. */
import { closeFile, lockFile, lockInBackground, readable, receive, waitReadable, type Frame } from './binding.js'

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
