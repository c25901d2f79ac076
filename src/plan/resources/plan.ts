/** Stage 2, plan: `linux.resources` on this host, as writes to the files of its hierarchies. Pure. */
import type { Config, Resources } from '../../config/types.js'
import { UnsupportedError } from '../../errors.js'
import type { HostFacts } from '../types.js'
import { planBlockIO } from './block-io.js'
import { planCpu, planCpuset } from './cpu.js'
import { planOwner } from './delegation.js'
import { planHugetlb } from './hugetlb.js'
import { planMemory } from './memory.js'
import { planNetworkClass, planNetworkPriorities } from './network.js'
import { isTooFewToStart, planPids } from './pids.js'
import { planRdma } from './rdma.js'
import type { CgroupWrite, ResourcePlan } from './types.js'
import { planUnified } from './unified.js'
import type { ControllerPlanner, Version } from './values.js'

type CgroupFacts = HostFacts['cgroup']

/** A controller by its name in each version, undefined where that version has none. */
interface Controller {
  readonly legacy: string
  readonly unified?: string
  readonly plan: ControllerPlanner
}

/** cpuset comes first: on a host with several nodes it decides where everything else happens. */
const controllers: readonly Controller[] = [
  { legacy: 'cpuset', unified: 'cpuset', plan: planCpuset },
  { legacy: 'cpu', unified: 'cpu', plan: planCpu },
  { legacy: 'memory', unified: 'memory', plan: planMemory },
  { legacy: 'pids', unified: 'pids', plan: planPids },
  { legacy: 'blkio', unified: 'io', plan: planBlockIO },
  { legacy: 'hugetlb', unified: 'hugetlb', plan: planHugetlb },
  { legacy: 'rdma', unified: 'rdma', plan: planRdma },
  { legacy: 'net_cls', plan: planNetworkClass },
  { legacy: 'net_prio', plan: planNetworkPriorities },
]

/** Where a controller is on this host. */
interface Place {
  readonly version: Version
  readonly hierarchy: string
}

function placeOf({ legacy, unified }: Controller, facts: CgroupFacts): Place | undefined {
  const hierarchy = Object.keys(facts.v1).find((names) => names.split(',').includes(legacy))
  if (hierarchy !== undefined) return { version: 1, hierarchy }
  if (unified === undefined || facts.controllers?.includes(unified) !== true) return undefined
  return { version: 2, hierarchy: '' }
}

/** The limits of a container. @throws ConfigError, UnsupportedError */
export function planResources(config: Config, facts: CgroupFacts): ResourcePlan {
  const owner = facts.unified === undefined ? undefined : planOwner(config)
  const limits = planLimits(config.linux?.resources ?? {}, facts)
  return { ...limits, ...(owner === undefined ? {} : { owner }) }
}

/**
 * The writes for some limits, at create or for `update`.
 * @throws ConfigError for limits that contradict each other, UnsupportedError that names every controller
 * which the host lacks and where it was looked for
 */
export function planLimits(resources: Resources, facts: CgroupFacts): ResourcePlan {
  const needed = new Set<string>()
  const writes: CgroupWrite[] = []
  const late: CgroupWrite[] = []
  const missing: Controller[] = []
  for (const controller of controllers) {
    const place = placeOf(controller, facts)
    const planned = controller.plan(resources, place?.version ?? (facts.mode === 'v1' ? 1 : 2))
    if (planned.length === 0) continue
    if (place === undefined) {
      missing.push(controller)
      continue
    }
    if (place.version === 2) needed.add(controller.unified ?? '')
    const waits = controller.plan === planPids && isTooFewToStart(resources.pids?.limit)
    for (const write of planned) (waits ? late : writes).push({ hierarchy: place.hierarchy, ...write })
  }
  if (missing.length > 0) throw missingControllers(missing, facts)
  const unified = planUnified(resources, { mountPoint: facts.unified, controllers: facts.controllers ?? [] })
  for (const name of unified.controllers) needed.add(name)
  writes.push(...unified.writes.map((write) => ({ hierarchy: '', ...write })))
  // Beside v1 hierarchies the unified one only tracks; alone it also accounts, as engines expect.
  const wanted = facts.mode === 'v2' ? (facts.controllers ?? []) : []
  return { controllers: [...needed], wanted, writes, late }
}

function missingControllers(missing: readonly Controller[], facts: CgroupFacts): UnsupportedError {
  const names = missing.map(({ legacy, unified }) => unified ?? legacy)
  const places = [
    ...(facts.mode === 'v2' ? [] : ['no cgroup v1 hierarchy of that name is mounted']),
    ...(facts.unified === undefined ? [] : [`not in ${facts.unified}/cgroup.controllers`]),
  ]
  if (facts.mode !== 'v1' && missing.some(({ unified }) => unified === undefined)) {
    places.push('net_cls and net_prio exist only in cgroup v1')
  }
  const list = names.map((name) => JSON.stringify(name)).join(', ')
  const what = names.length === 1 ? `controller ${list} is` : `controllers ${list} are`
  const message = `cgroup ${what} not available: ${places.join('; ')}`
  return new UnsupportedError(`cgroup controller ${names.join(', ')}`, message)
}
