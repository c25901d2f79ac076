/** Hosts, and what becomes of limits there. */
import type { Resources } from 'tsrun'
import { isTsrunError } from '#dist/errors.js'
import { planLimits } from '#dist/plan/resources/plan.js'
import { renderWrites } from '#dist/plan/resources/render.js'
import { firstLimits, lateLimits } from '#dist/plan/resources/timing.js'
import type { CgroupWrite } from '#dist/plan/resources/types.js'

/** Hosts by their hierarchies. */
export const unified = {
  mode: 'v2',
  unified: '/sys/fs/cgroup',
  v1: {},
  controllers: ['cpuset', 'cpu', 'io', 'memory', 'hugetlb', 'pids', 'rdma'],
  own: { '': '/' },
} as const
const names = ['cpu,cpuacct', 'cpuset', 'memory', 'pids', 'blkio', 'hugetlb', 'net_cls,net_prio', 'rdma']
/** cgroup v1 alone. */
export const legacy = {
  mode: 'v1',
  v1: Object.fromEntries(names.map((name) => [name, `/sys/fs/cgroup/${name}`])),
  own: {},
} as const
/** Both. */
export const hybrid = {
  mode: 'hybrid',
  unified: '/sys/fs/cgroup/unified',
  v1: { memory: '/sys/fs/cgroup/memory' },
  controllers: ['hugetlb'],
  own: {},
} as const

type Facts = Parameters<typeof planLimits>[1]

/** `file=value` of each write; in brackets what is written where the file is missing, `~` what comes again when rejected. */
export function writes(resources: Resources, facts: Facts): string[] {
  const { limits } = planLimits(resources, facts)
  const first = renderWrites(firstLimits(limits), limits, facts)
  const late = renderWrites(lateLimits(limits), limits, facts)
  const text = ({ file, value, otherwise, retry }: CgroupWrite): string => {
    const fallback =
      otherwise === undefined ? '' : otherwise === 'skip' ? ' [-]' : ` [${otherwise.file}=${otherwise.value}]`
    return `${file}=${value}${retry ? '~' : ''}${fallback}`
  }
  return [...first.map(text), ...late.map((write) => `late ${text(write)}`)]
}

/** What is refused, and why. */
export function failure(resources: Resources, facts: Facts): string {
  try {
    planLimits(resources, facts)
  } catch (error) {
    if (isTsrunError(error)) return `${error.code}: ${error.message}`
    throw error
  }
  return 'none'
}
