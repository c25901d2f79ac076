/** Native: waiting without a clock: what the library does on its event loop (src/library/waiter.ts), and the blocking way. */
import {
  closeFile,
  gather,
  launch,
  openTimer,
  lockFile,
  reapProcess,
  receive,
  waitReadable,
  type Frame,
  type Launched,
  type LaunchRequest,
} from './binding.js'

/** How a caller of the library waits; the command line blocks, a daemon must not. */
export interface Waiter {
  /** Until the descriptor is readable. */
  readable(fd: number): Promise<void>
  /** The next frame from init; null when it has closed its end. */
  frame(sync: number): Promise<Frame | null>
  /** Until the lock on the descriptor of a state directory is taken: others may hold it as long as a hook runs. */
  readonly locked: (fd: number) => Promise<void>
  /** Clones init, which waits until init has been executed. @throws SyscallError */
  launch(request: LaunchRequest): Promise<Launched>
  /** Takes the exit status of a process that has ended, and is this process's child or not. */
  reap(pid: number, pidfd: number): Promise<void>
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
  launch: (request) => new Promise((resolve) => resolve(launch(request))),
  reap(_, pidfd) {
    reapProcess(pidfd)
    return Promise.resolve()
  },
}

/** A limit for several waits together. */
export class Deadline {
  readonly #timer: number

  /** @param milliseconds from now on */
  constructor(milliseconds: number) {
    this.#timer = openTimer(milliseconds, { repeat: false })
  }

  get passed(): boolean {
    return waitReadable(this.#timer, 0)
  }

  /** Waits until a descriptor is readable; false when the time is over before. */
  async readable(fd: number, waiter: Waiter): Promise<boolean> {
    if (waitReadable(fd, 0)) return true
    const either = gather([fd, this.#timer])
    try {
      await waiter.readable(either)
    } finally {
      closeFile(either)
    }
    return waitReadable(fd, 0)
  }

  /** Lets some time pass, no more than is left. */
  async pause(milliseconds: number, waiter: Waiter): Promise<void> {
    const timer = openTimer(milliseconds, { repeat: false })
    try {
      await this.readable(timer, waiter)
    } finally {
      closeFile(timer)
    }
  }

  close(): void {
    closeFile(this.#timer)
  }
}

/** Work with a limit, whose timer is closed at its end. */
export async function withDeadline<T>(milliseconds: number, work: (by: Deadline) => Promise<T>): Promise<T> {
  const by = new Deadline(milliseconds)
  try {
    return await work(by)
  } finally {
    by.close()
  }
}

/** Waits for the end of a process, takes its exit status from the kernel, and closes `pidfd`. @throws SyscallError */
export async function collectProcess(waiter: Waiter, pidfd: number): Promise<void> {
  try {
    await waiter.readable(pidfd)
    reapProcess(pidfd)
  } finally {
    closeFile(pidfd)
  }
}
