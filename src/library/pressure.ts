/** Library: tells when processes of a container have to wait for memory (psi.rst of the kernel). */
import { StatusError, UnsupportedError } from '../errors.js'
import { Cgroup } from '../cgroup/cgroup.js'
import { closeFile, fileInfo } from '../native/binding.js'
import { openPressure, whenReady } from '../native/event-loop.js'
import type { StateRecord } from '../state/record.js'
import { filesOf } from '../stats/files.js'
import type { Pressure } from '../stats/types.js'

/** How much waiting is told. */
export interface PressureThreshold {
  /** Milliseconds in which at least one process has waited for memory, above 0; default 150. */
  readonly stall?: number
  /** Milliseconds of time that these are in, 500 to 10,000; default 1000. Without CAP_SYS_RESOURCE multiples of 2000. */
  readonly window?: number
}

/** Processes of a container had to wait for memory: at most once for each window. */
export interface PressureEvent {
  readonly type: 'pressure'
  readonly id: string
  readonly data: Pressure
}

/** A trigger of its own, which is gone with its descriptor. */
export class PressureWatch {
  readonly #id: string
  readonly #read: () => Pressure | undefined
  readonly #fd: number
  #next: Promise<PressureEvent> | undefined
  #cancel = (): void => undefined

  /** @throws StatusError when there is no container any more, UnsupportedError without PSI, SyscallError */
  constructor({ id, cgroup }: StateRecord, { stall = 150, window = 1000 }: PressureThreshold) {
    const { unified = '' } = cgroup
    const path = `${unified}/memory.pressure`
    if (unified !== '' && fileInfo(unified) === undefined)
      throw new StatusError(`container ${id} has stopped`, { id, operation: 'events', status: 'stopped' })
    if (unified === '' || fileInfo(path) === undefined) {
      const message = 'memory pressure is told by the unified hierarchy of a kernel with CONFIG_PSI, psi=1'
      throw new UnsupportedError('memory pressure', message)
    }
    this.#id = id
    this.#read = () => filesOf(new Cgroup(cgroup)).unified.pressure('memory.pressure')
    this.#fd = openPressure(path, `some ${Math.round(stall * 1000)} ${Math.round(window * 1000)}`)
  }

  /** The next event: the same one for all who ask until it has come. */
  next(): Promise<PressureEvent> {
    return (this.#next ??= new Promise((resolve) => {
      this.#cancel = whenReady(this.#fd, 'priority', () => {
        const data = this.#read()
        // The cgroup is gone, and the container is about to end.
        if (data === undefined) return
        this.#next = undefined
        resolve({ type: 'pressure', id: this.#id, data })
      })
    }))
  }

  close(): void {
    this.#cancel()
    closeFile(this.#fd)
  }
}
