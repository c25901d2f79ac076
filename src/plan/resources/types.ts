/** Stage 2, plan: what limits are as plain data, and the writes to files of cgroups that come of them in the end. */

/** Every limit there is, by controller, whichever version of cgroups has it. `unified.file` is a file of cgroup v2 that is not understood. */
export const limitNames = {
  cpuset: ['cpus', 'mems'],
  cpu: ['shares', 'weight', 'nice', 'idle', 'burst', 'period', 'quota', 'realtimePeriod', 'realtimeRuntime'],
  memory: [
    ...(['limit', 'swap', 'swapMax', 'reservation', 'high', 'min', 'oomGroup'] as const),
    ...(['kernelTCP', 'disableOOMKiller', 'swappiness'] as const),
  ],
  pids: ['limit'],
  io: [
    ...(['weight', 'weightOfAll', 'deviceWeight', 'leafWeight', 'deviceLeafWeight'] as const),
    ...(['readBps', 'writeBps', 'readIOPS', 'writeIOPS'] as const),
  ],
  hugetlb: ['limit'],
  rdma: ['max'],
  net_cls: ['classID'],
  net_prio: ['priority'],
  unified: ['file'],
} as const

/** Controllers by their names in cgroup v2, and what only v1 has. */
export type Controller = keyof typeof limitNames

/** `memory.limit` */
export type LimitId = { [C in Controller]: `${C}.${(typeof limitNames)[C][number]}` }[Controller]

/**
 * One limit, in the unit of config-linux.md: bytes, microseconds, shares. `max` is no limit. An integer that a double
 * cannot hold is a bigint, and where the limit has been in state.json its decimal digits.
 */
export interface Limit {
  readonly controller: Controller
  readonly limit: string
  /** Device number, page size, name of a device, of a network interface or of a file; which one, where a limit is set for each. */
  readonly key?: string
  readonly value: number | bigint | string
}

/** The limits of a container. */
export interface ResourcePlan {
  /** Controllers of cgroup v2 that the container's directory must have. */
  readonly controllers: readonly string[]
  /** Those that it should have beside them, for accounting. */
  readonly wanted: readonly string[]
  readonly limits: readonly Limit[]
  /** A limit of memory below what is used now is refused (checkBeforeUpdate). */
  readonly checksUsage?: true
  /** Host user id that becomes the owner of the directory in the unified hierarchy (delegation). */
  readonly owner?: number
}

/** Limits nothing. */
export const noResources: ResourcePlan = { controllers: [], wanted: [], limits: [] }

/** One value for one file of a cgroup (cgroups(7)). */
export interface CgroupWrite {
  /** Key of the hierarchy in `CgroupPlan.v1`, or `''` for the unified one. */
  readonly hierarchy: string
  /** Name of the file in the container's directory. */
  readonly file: string
  readonly value: string
  /** Only the line that begins with this is set; it is `none` where the file has no such line. */
  readonly key?: string
  readonly none?: string
  /** What to do where the file is missing: write another one, or nothing. Absent: that is an error. */
  readonly otherwise?: Omit<CgroupWrite, 'hierarchy'> | 'skip'
  /** Depends on a value that follows: tried again after the others when the kernel says EINVAL. */
  readonly retry?: true
  /** A file that must hold no more than this many bytes at the moment of the write (checkBeforeUpdate). */
  readonly usage?: { readonly file: string; readonly atMost: number }
}

/** A write whose hierarchy is not yet known. */
export type Write = Omit<CgroupWrite, 'hierarchy'>

/** A property as D-Bus has it: name, type and value. 64-bit integers (`t`, `x`) are bigint. */
export type UnitProperty = readonly [name: string, signature: string, value: unknown]

/** What becomes of a limit in one version of cgroups. */
export interface Row {
  /** Its writes; `all` are the limits that the container has when they are done. */
  readonly files: (limit: Limit, all: readonly Limit[]) => readonly Write[]
  /** The same as properties of a scope (systemd.resource-control(5)); none for what systemd does not know. */
  readonly unit?: (limit: Limit, all: readonly Limit[]) => readonly UnitProperty[]
  /** The first version of systemd that has them. */
  readonly since?: number
  /** They cannot be changed later. */
  readonly fixed?: true
}
