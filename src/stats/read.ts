/** Statistics of a container: from each controller where the container is limited by it, v1 or v2. */
import { hasErrno, listDirectory } from '../native/binding.js'
import type { Cgroup } from '../cgroup/cgroup.js'
import type { RdtRecord } from '../state/record.js'
import { filesOf, present, unlimited, type Files } from './files.js'
import { readRdtStats } from './intel-rdt.js'
import { blkioV1, cpuV1, cpusetV1, memoryV1 } from './v1.js'
import type { ContainerStats } from './types.js'
import { sorted, blkioV2, cpuV2, memoryV2 } from './v2.js'

/** What the processes of a container use now, all 0 where nobody counts. @throws SyscallError */
export function readStats(cgroup: Cgroup, intelRdt?: RdtRecord): ContainerStats {
  const { unified, v1 } = filesOf(cgroup)
  const cpuacct = v1('cpuacct')
  const memory = v1('memory')
  const blkio = v1('blkio')
  return {
    cpu: cpuacct ? cpuV1(v1('cpu'), cpuacct) : cpuV2(unified),
    cpuset: cpusetV1(v1('cpuset')),
    memory: memory ? memoryV1(memory) : memoryV2(unified),
    pids: readPids(v1('pids') ?? unified),
    blkio: blkio ? blkioV1(blkio) : blkioV2(unified),
    hugetlb: readHugetlb(v1('hugetlb'), unified),
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

function readHugetlb(v1: Files | undefined, unified: Files): ContainerStats['hugetlb'] {
  const entry = (name: string): ContainerStats['hugetlb'][string] => {
    if (v1 === undefined) {
      const failcnt = unified.keyed(`${name}.events`).max ?? 0
      return { ...present({ usage: unified.count(`${name}.current`) }), failcnt }
    }
    const counts = { usage: v1.count(`${name}.usage_in_bytes`), max: v1.count(`${name}.max_usage_in_bytes`) }
    return { ...present(counts), failcnt: v1.count(`${name}.failcnt`) ?? 0 }
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
