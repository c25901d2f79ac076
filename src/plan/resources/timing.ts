/** Stage 2, plan: which limits wait until the container is created, since init would not come so far with them. Pure. */
import { idOf, limit } from './limits.js'
import type { Limit } from './types.js'

const page = 4096

/**
 * The kernel charges a cgroup for 64 pages at a time (MEMCG_CHARGE_BATCH, mm/memcontrol.c) and keeps what
 * is left of them for the CPU that has asked; it charges single pages where there is no room for so many.
 */
const batch = 64 * page

/** Limits with room for several batches beside all that it takes to start a container, in bytes. */
const ample = 4 * batch

const isSmallMemory = (one: Limit): boolean =>
  idOf(one) === 'memory.limit' && Number(one.value) >= batch && Number(one.value) < ample

/**
 * A process is not born into a cgroup that takes none, and with a limit of 1 tsrun-init could neither fork nor run the
 * createContainer hooks.
 */
const isTooFewToStart = (one: Limit): boolean => idOf(one) === 'pids.limit' && Number(one.value) <= 1

/**
 * Limits that are in force before init is born. A small one of memory is a page less than a batch until `lateLimits`
 * come: with 256 KiB the first page would take all, on another CPU nothing would be left, and on a busy machine the OOM
 * killer is faster than the worker that gives it back. When the container is there it uses so much itself that there is
 * no room for a batch any more.
 */
export const firstLimits = (limits: readonly Limit[]): Limit[] =>
  limits
    .filter((one) => !isTooFewToStart(one))
    .flatMap((one) => (isSmallMemory(one) ? limit('memory.limit', batch - page) : [one]))

/** Limits that come at `created`. */
export const lateLimits = (limits: readonly Limit[]): Limit[] =>
  limits.filter((one) => isSmallMemory(one) || isTooFewToStart(one))
