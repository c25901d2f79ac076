/** Stage 2, plan: what limits are as plain data: writes to files of cgroups. */

/** One value for one file of a cgroup (cgroups(7)). */
export interface CgroupWrite {
  /** Key of the hierarchy in `CgroupPlan.v1`, or `''` for the unified one. */
  readonly hierarchy: string
  /** Name of the file in the container's directory. */
  readonly file: string
  readonly value: string
  /** What to do where the file is missing: write another one, or nothing. Absent: that is an error. */
  readonly otherwise?: { readonly file: string; readonly value: string } | 'skip'
  /** Depends on a value that follows: tried again after the others when the kernel says EINVAL. */
  readonly retry?: true
  /** A file that must hold no more than this many bytes at the moment of the write (checkBeforeUpdate). */
  readonly usage?: { readonly file: string; readonly atMost: number }
}

/** All limits of a container. */
export interface ResourcePlan {
  /** Controllers of cgroup v2 that the container's directory must have. */
  readonly controllers: readonly string[]
  /** Those that it should have beside them, for accounting. */
  readonly wanted: readonly string[]
  /** In this order, before init is born in the cgroup. */
  readonly writes: readonly CgroupWrite[]
  /** In this order, at `created`: limits that would not even let init be born. */
  readonly late: readonly CgroupWrite[]
  /** Host user id that becomes the owner of the directory in the unified hierarchy (delegation). */
  readonly owner?: number
}

/** Limits nothing. */
export const noResources: ResourcePlan = { controllers: [], wanted: [], writes: [], late: [] }

/** Keys of the hierarchies that the limits are in, each once. */
export const hierarchiesOf = ({ writes, late }: ResourcePlan): string[] => [
  ...new Set([...writes, ...late].map(({ hierarchy }) => hierarchy)),
]
