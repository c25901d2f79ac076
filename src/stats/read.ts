/** Statistics of a container: from each controller where the container is limited by it, v1 or v2. */
import { hasErrno, listDirectory } from '../native/binding.js'
import type { CgroupPlan } from '../plan/types.js'
import type { RdtRecord } from '../state/record.js'
import { filesOf, present, unlimited, type Files } from './files.js'
import { readRdtStats } from './intel-rdt.js'
import { legacyBlkio, legacyCpu, legacyCpuset, legacyMemory } from './legacy.js'
import type { ContainerStats } from './types.js'
import { sorted, unifiedBlkio, unifiedCpu, unifiedMemory } from './unified.js'

/** What the processes of a container use now, all 0 where nobody counts. @throws SyscallError */
export function readStats(cgroup: CgroupPlan, intelRdt?: RdtRecord): ContainerStats {
  const { unified, legacy } = filesOf(cgroup)
  const cpuacct = legacy('cpuacct')
  const memory = legacy('memory')
  const blkio = legacy('blkio')
  return {
    cpu: cpuacct ? legacyCpu(legacy('cpu'), cpuacct) : unifiedCpu(unified),
    cpuset: legacyCpuset(legacy('cpuset')),
    memory: memory ? legacyMemory(memory) : unifiedMemory(unified),
    pids: readPids(legacy('pids') ?? unified),
    blkio: blkio ? legacyBlkio(blkio) : unifiedBlkio(unified),
    hugetlb: readHugetlb(legacy('hugetlb'), unified),
    intel_rdt: readRdtStats(intelRdt),
    network_interfaces: null,
  }
}

/** Without the controller the processes are counted. */
function readPids(files: Files): ContainerStats['pids'] {
  const limit = files.count('pids.max')
  const counted = (files.text('cgroup.procs') ?? '').split('\n').filter(Boolean).length
  return present({ current: files.count('pids.current') ?? counted, limit: limit === unlimited ? 0 : limit })
}

function readHugetlb(legacy: Files | undefined, unified: Files): ContainerStats['hugetlb'] {
  const entry = (name: string): ContainerStats['hugetlb'][string] => {
    if (legacy === undefined) {
      const failcnt = unified.keyed(`${name}.events`).max ?? 0
      return { ...present({ usage: unified.count(`${name}.current`) }), failcnt }
    }
    const counts = { usage: legacy.count(`${name}.usage_in_bytes`), max: legacy.count(`${name}.max_usage_in_bytes`) }
    return { ...present(counts), failcnt: legacy.count(`${name}.failcnt`) ?? 0 }
  }
  return sorted(Object.fromEntries(pageSizes().map((size) => [size, entry(`hugetlb.${size}`)])))
}

/** As cgroup files name them: `64KB`, `2MB`, `1GB`. */
function pageSizes(): string[] {
  try {
    return listDirectory('/sys/kernel/mm/hugepages')
      .map((name) => Number(/^hugepages-(\d+)kB$/.exec(name)?.[1] ?? 0))
      .map((kib) => (kib >= 1 << 20 ? `${kib >> 20}GB` : kib >= 1 << 10 ? `${kib >> 10}MB` : `${kib}KB`))
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return []
    throw error
  }
}
