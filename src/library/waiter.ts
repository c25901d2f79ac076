/** Library: waits on the event loop, and never blocks it. */
import { lockFile, reapProcess, receive } from '../native/binding.js'
import { launchInBackground, lockInBackground, readable } from '../native/event-loop.js'
import type { Waiter } from '../native/wait.js'

/** For a thread that has an event loop. */
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
    if (!lockFile(fd, { wait: false })) await lockInBackground(fd)
  },
  launch: launchInBackground,
  reap(_, pidfd) {
    reapProcess(pidfd)
    return Promise.resolve()
  },
}
