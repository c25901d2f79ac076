/** Stage 4, launch: what happens to a container, as it happens: statistics from time to time, and OOM kills. */
import { StatusError, UsageError } from '../errors.js'
import { closeFile, drain, gather, openTimer, waitReadable } from '../native/binding.js'
import { liveProcess } from '../state/observe.js'
import type { ContainerId } from '../state/store.js'
import { readStats } from '../stats/read.js'
import type { ContainerStats } from '../stats/types.js'
import { Cgroup } from '../cgroup/cgroup.js'
import type { RuntimeContext } from './context.js'
import { openInit } from './kill.js'

/** One event of a container. */
export type ContainerEvent =
  | { readonly type: 'stats'; readonly id: string; readonly data: ContainerStats }
  | { readonly type: 'oom'; readonly id: string }

/** Settings of `Container.events`. */
export interface EventOptions {
  /** Milliseconds between two `stats` events, more than 0; default 5000. The first comes after one interval. */
  readonly interval?: number
  /** A descriptor that ends the events when it is readable. */
  readonly stop?: number
}

const defaultInterval = 5000

function notRunning(id: string): StatusError {
  return new StatusError(`container with id ${id} is not running`, { id, operation: 'events', status: 'stopped' })
}

/** What a container uses now. @throws NotFoundError, StatusError when it has stopped, SyscallError */
export function containerStats({ store }: RuntimeContext, id: ContainerId): ContainerStats {
  const record = store.load(id)
  if (liveProcess(record) === undefined) throw notRunning(id)
  return readStats(new Cgroup(record.cgroup), record.intelRdt)
}

/**
 * The events of a running container, until it ends.
 * @throws NotFoundError, StatusError when it is not running, UsageError for an interval of 0 or less
 */
export async function* containerEvents(
  { store, waiter }: RuntimeContext,
  id: ContainerId,
  { interval = defaultInterval, stop }: EventOptions,
): AsyncGenerator<ContainerEvent, void, void> {
  const record = store.load(id)
  if (!(interval > 0)) throw new UsageError('duration interval must be greater than 0')
  const opened: number[] = []
  const keep = (fd: number): number => {
    opened.push(fd)
    return fd
  }
  try {
    const init = openInit(record)
    if (init < 0) throw notRunning(id)
    keep(init)
    const timer = keep(openTimer(interval, { repeat: true }))
    const oom = new Cgroup(record.cgroup).watchOom()
    if (oom) keep(oom.notice)
    const any = keep(gather(stop === undefined ? opened : [...opened, stop]))
    for (;;) {
      await waiter.readable(any)
      if (stop !== undefined && waitReadable(stop, 0)) return
      const ended = waitReadable(init, 0)
      // Before the end: it may be what the end came of.
      if (await oom?.happened(waiter)) yield { type: 'oom', id }
      if (ended) return
      if (!waitReadable(timer, 0)) continue
      drain(timer)
      yield { type: 'stats', id, data: readStats(new Cgroup(record.cgroup), record.intelRdt) }
    }
  } finally {
    for (const fd of opened) closeFile(fd)
  }
}
