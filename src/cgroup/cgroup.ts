/** Cgroup: the cgroups of one container, in all hierarchies: who is in them, the freezer, and what the OOM killer has done. */
import { sigkill } from '../config/vocabulary/signals.js'
import { UnsupportedError } from '../errors.js'
import { cgroupsOf } from '../host/process-cgroups.js'
import { closeFile, drain, notifyFile } from '../native/binding.js'
import { withDeadline, type Deadline, type Waiter } from '../native/wait.js'
import type { CgroupPlan } from '../plan/types.js'
import { killBelow, processesBelow, signalAll } from './end.js'
import { isGone, killsIn, parentOf, readGroup, unlessGone, wordsIn, writeGroup } from './files.js'
import {
  directoryOf,
  freezeV1,
  isFrozenV1,
  isStoppedV1,
  thawToDie,
  thawV1,
  watchMemoryLevel,
  watchOomV1,
  type MemoryLevel,
} from './v1.js'

/** What tells of OOM kills. */
export interface OomWatch {
  /** A descriptor that is readable when there may have been one; the owner closes it. */
  readonly notice: number
  /** True when there has been one since the last call; `waiter`: a kill that is told may not be counted yet. */
  happened(waiter: Waiter): Promise<boolean>
}

/** What tells of a shortage of memory. */
export interface MemoryWatch {
  /** A descriptor that is readable when there may have been one; the owner closes it. */
  readonly notice: number
  /** True when there has been one since the last call. */
  happened(): boolean
}

/** How long a signal to all waits for them to stand still, in milliseconds. */
const stillLimit = 2000

const freezesItself = (directory: string): boolean => readGroup(directory, 'cgroup.freeze')?.startsWith('1') === true

/** True when a cgroup of either version is frozen, not only with one above it. */
export const isFrozenItself = (directory: string): boolean => freezesItself(directory) || isFrozenV1(directory)

/** The nearest directory that is frozen itself: this one, or one above it. */
function nearestFrozen(directory = ''): string | undefined {
  for (let at = directory; at !== ''; at = parentOf(at)) if (isFrozenItself(at)) return at
  return undefined
}

/**
 * The cgroup that keeps a process from running, whoever has moved it there; undefined when none does.
 * @throws SyscallError
 */
export function frozenAround(pid: number): string | undefined {
  const places = cgroupsOf(pid)
  return nearestFrozen(places.unified) ?? nearestFrozen(directoryOf(places, 'freezer'))
}

/** The cgroups that a record or a plan names. They may be gone. */
export class Cgroup {
  readonly #plan: CgroupPlan

  constructor(plan: CgroupPlan) {
    this.#plan = plan
  }

  /** Hierarchies (`''`: the unified one) with the directory in each, the unified one first. */
  get places(): [hierarchy: string, directory: string][] {
    const { unified, v1 } = this.#plan
    return [...(unified === undefined ? [] : ([['', unified]] as [string, string][])), ...Object.entries(v1)]
  }

  get directories(): string[] {
    return this.places.map(([, directory]) => directory)
  }

  /** Its directory in the unified hierarchy; undefined: it has none there. */
  get unified(): string | undefined {
    return this.#plan.unified
  }

  /** Its directory in the hierarchy of cgroup v1 that has a controller; undefined where none has. */
  v1(controller: string): string | undefined {
    return directoryOf(this.#plan, controller)
  }

  /** The directory where a controller (by its name in the hierarchy) is at work; undefined where none is. */
  controller(name: string): string | undefined {
    const { unified } = this.#plan
    const legacy = directoryOf(this.#plan, name)
    if (legacy !== undefined || unified === undefined) return legacy
    return wordsIn(unified, 'cgroup.controllers').includes(name) ? unified : undefined
  }

  /** Pids of all processes, also in cgroups that the container has made below. @throws SyscallError */
  processes(): number[] {
    const [first] = this.directories
    return first === undefined ? [] : processesBelow(first)
  }

  /**
   * Sends a signal to every process. They are stopped for that moment, so that none of them can have a child that is
   * missed; SIGKILL goes in one stroke where the kernel can do that.
   */
  async signal(signal: number, waiter: Waiter): Promise<void> {
    const { unified } = this.#plan
    if (signal === sigkill && unified !== undefined) {
      killBelow(unified)
      return
    }
    if (this.processes().length === 0) return
    const stops = this.canFreeze && !this.isFrozen
    try {
      if (stops) await this.freeze(waiter, stillLimit)
      signalAll(() => this.processes(), signal)
    } catch (error) {
      // Somebody else has deleted the container meanwhile.
      if (!isGone(error)) throw error
    } finally {
      if (stops) this.thaw()
    }
  }

  /** Lets processes that have got SIGKILL die of it, which a frozen one of cgroup v1 does not. @throws SyscallError */
  thawToDie(): void {
    thawToDie(this.#plan)
  }

  /** The directory of cgroup v1 that freezes: only where no unified hierarchy does it. */
  get #legacyFreezer(): string | undefined {
    return this.#plan.unified === undefined ? directoryOf(this.#plan, 'freezer') : undefined
  }

  get canFreeze(): boolean {
    return (this.#plan.unified ?? this.#legacyFreezer) !== undefined
  }

  /** True when the container's own cgroup is frozen; whether one above it is, is `frozenAbove`'s question. */
  get isFrozen(): boolean {
    const { unified } = this.#plan
    if (unified !== undefined) return freezesItself(unified)
    const legacy = this.#legacyFreezer
    return legacy !== undefined && isFrozenV1(legacy)
  }

  /** True when whoever is in it stands still, or would: it is frozen, or one above it. */
  get isStopped(): boolean {
    const { unified } = this.#plan
    const legacy = directoryOf(this.#plan, 'freezer')
    if (unified !== undefined && readGroup(unified, 'cgroup.events')?.includes('frozen 1')) return true
    return legacy !== undefined && isStoppedV1(legacy)
  }

  /** The nearest cgroup above the container's that is frozen itself, with all below it; undefined when there is none. */
  frozenAbove(): string | undefined {
    const { unified = '' } = this.#plan
    return nearestFrozen(parentOf(unified)) ?? nearestFrozen(parentOf(directoryOf(this.#plan, 'freezer') ?? ''))
  }

  /**
   * Stops all processes and waits for that; false when they have not all stopped after `limit` milliseconds: those
   * that have stay so until `thaw`, as they do after an error.
   * @throws UnsupportedError when the container has no cgroup of its own, SyscallError
   */
  freeze(waiter: Waiter, limit: number): Promise<boolean> {
    const { unified } = this.#plan
    const legacy = this.#legacyFreezer
    return withDeadline(limit, (by) => {
      if (unified !== undefined) return freezeUnified(unified, waiter, by)
      if (legacy !== undefined) return freezeV1(legacy, waiter, by)
      throw new UnsupportedError('freezer', 'the container has no cgroup that can be frozen')
    })
  }

  /**
   * Lets all processes go on that `freeze` has stopped. What is frozen above is never thawed, since others have done it.
   * @returns the cgroup above that still stops them; undefined when they run
   * @throws SyscallError
   */
  thaw(): string | undefined {
    const { unified } = this.#plan
    const legacy = this.#legacyFreezer
    if (unified !== undefined) unlessGone(() => writeGroup(unified, 'cgroup.freeze', '0'))
    else if (legacy !== undefined) thawV1(legacy)
    return this.frozenAbove()
  }

  /** Undefined when no memory controller watches the container: then nobody would know. @throws SyscallError */
  watchOom(): OomWatch | undefined {
    const legacy = directoryOf(this.#plan, 'memory')
    if (legacy !== undefined) return watchOomV1(legacy)
    const { unified } = this.#plan
    return unified === undefined ? undefined : watchOomUnified(unified)
  }

  /** Undefined where cgroup v1 has no memory controller for the container. @throws SyscallError */
  watchMemoryLevel(level: MemoryLevel): MemoryWatch | undefined {
    const legacy = directoryOf(this.#plan, 'memory')
    return legacy === undefined ? undefined : watchMemoryLevel(legacy, level)
  }

  /** True when the OOM killer has ended a process of the container. */
  get oomKilled(): boolean {
    const legacy = directoryOf(this.#plan, 'memory')
    if (legacy !== undefined) return killsIn(legacy, 'memory.oom_control') > 0
    return killsIn(this.#plan.unified ?? '', 'memory.events') > 0
  }
}

/** cgroups(7): cgroup.events says `frozen 1` when the last one has stopped, and its watchers are told. */
async function freezeUnified(directory: string, waiter: Waiter, by: Deadline): Promise<boolean> {
  const notice = notifyFile(`${directory}/cgroup.events`)
  try {
    writeGroup(directory, 'cgroup.freeze', '1')
    while (readGroup(directory, 'cgroup.events')?.includes('frozen 0')) {
      if (!(await by.readable(notice, waiter))) return false
      drain(notice)
    }
    return true
  } finally {
    closeFile(notice)
  }
}

/** cgroup v2 counts kills in memory.events, whose watchers are told (cgroups(7)). */
function watchOomUnified(directory: string): OomWatch | undefined {
  const file = 'memory.events'
  const notice = unlessGone(() => notifyFile(`${directory}/${file}`))
  if (notice === undefined) return undefined
  let last = killsIn(directory, file)
  return {
    notice,
    happened() {
      drain(notice)
      const now = killsIn(directory, file)
      const grown = now > last
      last = Math.max(now, last)
      return Promise.resolve(grown)
    },
  }
}
