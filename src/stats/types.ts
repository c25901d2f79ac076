/** What a container uses, in the names of runc's `events`; counters of 64 bits are bigint where a number is not exact. */

/** A counter; never negative. */
export type Count = number | bigint

/** One line of a pressure file (PSI): shares of time in percent, and microseconds. */
export interface PressureLine {
  readonly avg10: number
  readonly avg60: number
  readonly avg300: number
  readonly total: Count
}

/** Pressure stall information (cgroup v2). */
export interface Pressure {
  readonly some: PressureLine
  readonly full: PressureLine
}

/** CPU time; nanoseconds. */
export interface CpuStats {
  readonly usage: {
    readonly total?: Count
    readonly percpu?: readonly Count[]
    readonly percpu_kernel?: readonly Count[]
    readonly percpu_user?: readonly Count[]
    readonly kernel: Count
    readonly user: Count
  }
  readonly throttling: { readonly periods?: Count; readonly throttledPeriods?: Count; readonly throttledTime?: Count }
  readonly psi?: Pressure
}

/** CPUs and memory nodes (cgroup v1). */
export interface CpusetStats {
  readonly cpus?: readonly number[]
  readonly cpu_exclusive: Count
  readonly mems?: readonly number[]
  readonly mem_hardwall: Count
  readonly mem_exclusive: Count
  readonly memory_migrate: Count
  readonly memory_spread_page: Count
  readonly memory_spread_slab: Count
  readonly memory_pressure: Count
  readonly sched_load_balance: Count
  readonly sched_relax_domain_level: number
}

/** One kind of memory; bytes. No limit is 18446744073709551615 (v2) or what the kernel says (v1). */
export interface MemoryEntry {
  readonly limit: Count
  readonly usage?: Count
  readonly max?: Count
  readonly failcnt: Count
}

/** Memory; bytes. */
export interface MemoryStats {
  readonly cache?: Count
  readonly usage: MemoryEntry
  /** Memory and swap together. */
  readonly swap: MemoryEntry
  readonly kernel: MemoryEntry
  readonly kernelTCP: MemoryEntry
  /** memory.stat as it is. */
  readonly raw?: Readonly<Record<string, Count>>
  readonly psi?: Pressure
}

/** A number of a block device. */
export interface BlkioEntry {
  readonly major?: number
  readonly minor?: number
  readonly op?: string
  readonly value?: Count
}

/** Block devices. */
export interface BlkioStats {
  readonly ioServiceBytesRecursive?: readonly BlkioEntry[]
  readonly ioServicedRecursive?: readonly BlkioEntry[]
  readonly ioQueueRecursive?: readonly BlkioEntry[]
  readonly ioServiceTimeRecursive?: readonly BlkioEntry[]
  readonly ioWaitTimeRecursive?: readonly BlkioEntry[]
  readonly ioMergedRecursive?: readonly BlkioEntry[]
  readonly ioTimeRecursive?: readonly BlkioEntry[]
  readonly sectorsRecursive?: readonly BlkioEntry[]
  readonly psi?: Pressure
}

/** Intel resource director: schemata as resctrl has them, of the container's group and of the root group. */
export interface IntelRdtStats {
  readonly l3_cache_info?: {
    readonly cbm_mask?: string
    readonly min_cbm_bits?: Count
    readonly num_closids?: Count
  }
  readonly l3_cache_schema_root?: string
  readonly l3_cache_schema?: string
  readonly mem_bw_info?: {
    readonly bandwidth_gran?: Count
    readonly delay_linear?: Count
    readonly min_bandwidth?: Count
    readonly num_closids?: Count
  }
  readonly mem_bw_schema_root?: string
  readonly mem_bw_schema?: string
  readonly schemata?: readonly string[]
  /** Bytes, for each cache. */
  readonly mbm_stats?: readonly { readonly mbm_total_bytes?: Count; readonly mbm_local_bytes?: Count }[]
  readonly cmt_stats?: readonly { readonly llc_occupancy?: Count }[]
}

/** Everything that `events` tells of a container; members that are 0 and optional are left out, as by runc. */
export interface ContainerStats {
  readonly cpu: CpuStats
  readonly cpuset: CpusetStats
  readonly memory: MemoryStats
  /** A limit of 0 is none. */
  readonly pids: { readonly current?: Count; readonly limit?: Count }
  readonly blkio: BlkioStats
  /** By page size: `2MB`. */
  readonly hugetlb: Readonly<Record<string, { readonly usage?: Count; readonly max?: Count; readonly failcnt: Count }>>
  readonly intel_rdt: IntelRdtStats
  readonly network_interfaces: null
}
