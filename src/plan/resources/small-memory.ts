/** Stage 2, plan: memory limits that are small beside what the kernel takes ahead for each CPU. Pure. */
import type { CgroupWrite, ResourcePlan } from './types.js'

const page = 4096

/**
 * The kernel charges a cgroup for 64 pages at a time (MEMCG_CHARGE_BATCH, mm/memcontrol.c) and keeps what
 * is left of them for the CPU that has asked; it charges single pages where there is no room for so many.
 */
const batch = 64 * page

/** Limits with room for several batches beside all that it takes to start a container, in bytes. */
const ample = 4 * batch

const isSmall = ({ file, value }: CgroupWrite): boolean =>
  /^memory\.(max|limit_in_bytes)$/.test(file) && Number(value) >= batch && Number(value) < ample

/**
 * The same limits, but a small one of memory takes effect at `created`; until then it is a page less than
 * a batch. With 256 KiB the first page would take all: on another CPU nothing would be left, and on a busy
 * machine the OOM killer is faster than the worker that gives it back. When the container is there it uses
 * so much itself that there is no room for a batch any more.
 */
export function beginWithinBatch(resources: ResourcePlan): ResourcePlan {
  const small = resources.writes.filter(isSmall)
  if (small.length === 0) return resources
  return {
    ...resources,
    writes: resources.writes.map((write) => (isSmall(write) ? { ...write, value: String(batch - page) } : write)),
    late: [...small, ...resources.late],
  }
}
