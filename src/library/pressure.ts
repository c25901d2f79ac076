/** Library: tells when a container is short of memory (psi.rst of the kernel, memory.rst of cgroup v1). */
import { StatusError, UnsupportedError, UsageError } from '../errors.js'
import { Cgroup } from '../cgroup/cgroup.js'
import type { MemoryLevel } from '../cgroup/v1.js'
import { closeFile, fileInfo } from '../native/binding.js'
import { openPressure, whenReady } from '../native/event-loop.js'
import type { StateRecord } from '../state/record.js'
import { filesOf } from '../stats/files.js'
import type { Pressure } from '../stats/types.js'

export type { MemoryLevel }

/** How short of memory is told: by how long is waited (PSI), or by a level of cgroup v1. */
export interface PressureThreshold {
  /** Milliseconds in which at least one process has waited for memory, above 0; default 150. */
  readonly stall?: number
  /** Milliseconds of time that these are in, 500 to 10,000; default 1000. Without CAP_SYS_RESOURCE multiples of 2000. */
  readonly window?: number
  /**
   * Instead, where cgroup v1 has the memory controller; `medium` where nothing is said and there is no PSI. `low`: pages are
   * being taken from the container; `medium`: it swaps, or what it uses of files goes; `critical`: the OOM killer is near.
   */
  readonly level?: MemoryLevel
}

/** Processes of a container had to wait for memory: at most once for each window. */
export interface StallEvent {
  readonly type: 'pressure'
  readonly id: string
  readonly data: Pressure
  readonly level?: undefined
}

/** A container of cgroup v1 is as short of memory as `level`, or shorter. */
export interface LevelEvent {
  readonly type: 'pressure'
  readonly id: string
  readonly level: MemoryLevel
  readonly data?: undefined
}

/** A container is short of memory. */
export type PressureEvent = StallEvent | LevelEvent

/** A trigger of its own, which is gone with its descriptor. */
export class PressureWatch {
  readonly #fd: number
  readonly #readiness: 'priority' | 'read'
  /** What has happened; undefined when the cgroup is gone, and the container is about to end. */
  readonly #look: () => PressureEvent | undefined
  #next: Promise<PressureEvent> | undefined
  #cancel = (): void => undefined

  /** @throws StatusError when there is no container any more, UsageError, UnsupportedError, SyscallError */
  constructor({ id, cgroup }: StateRecord, threshold: PressureThreshold) {
    const directories = new Cgroup(cgroup).directories
    if (directories.length > 0 && directories.every((directory) => fileInfo(directory) === undefined))
      throw new StatusError(`container ${id} has stopped`, { id, operation: 'events', status: 'stopped' })
    const { level, ...times } = threshold
    const timed = Object.keys(times).length > 0
    if (level !== undefined && timed) throw new UsageError('memoryPressure takes a level, or stall and window')
    const path = `${cgroup.unified ?? ''}/memory.pressure`
    const hasStalls = cgroup.unified !== undefined && fileInfo(path) !== undefined
    if (level === undefined && (hasStalls || timed)) {
      if (!hasStalls) throw unsupported('stall and window take a unified hierarchy of a kernel with CONFIG_PSI, psi=1')
      const { stall = 150, window = 1000 } = times
      const read = (): Pressure | undefined => filesOf(new Cgroup(cgroup)).unified.pressure('memory.pressure')
      this.#readiness = 'priority'
      this.#fd = openPressure(path, `some ${Math.round(stall * 1000)} ${Math.round(window * 1000)}`)
      this.#look = () => {
        const data = read()
        return data && { type: 'pressure', id, data }
      }
      return
    }
    const chosen = level ?? 'medium'
    const watch = new Cgroup(cgroup).watchMemoryLevel(chosen)
    if (watch === undefined) throw unsupported('a level takes the memory controller of cgroup v1')
    this.#readiness = 'read'
    this.#fd = watch.notice
    this.#look = () => (watch.happened() ? { type: 'pressure', id, level: chosen } : undefined)
  }

  /** The next event: the same one for all who ask until it has come. */
  next(): Promise<PressureEvent> {
    return (this.#next ??= new Promise((resolve) => {
      this.#cancel = whenReady(this.#fd, this.#readiness, () => {
        const event = this.#look()
        if (event === undefined) return
        this.#next = undefined
        resolve(event)
      })
    }))
  }

  close(): void {
    this.#cancel()
    closeFile(this.#fd)
  }
}

const unsupported = (what: string): UnsupportedError =>
  new UnsupportedError('memory pressure', `memory pressure cannot be told: ${what}`)
