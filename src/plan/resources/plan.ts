/** Stage 2, plan: `linux.resources` on this host: the limits, and where their controllers are. Pure. */
import type { Config, Resources } from '../../config/types.js'
import { UnsupportedError } from '../../errors.js'
import type { HostFacts } from '../types.js'
import { planOwner } from './delegation.js'
import { changeLimits, idOf, isSet, limitsOf, mergeLimits, swapAlone } from './limits.js'
import { hierarchyOf } from './render.js'
import type { Controller, Limit, ResourcePlan } from './types.js'
import { unifiedControllers, unifiedLimits } from './unified.js'
import { notInV2 } from './v2.js'

type CgroupFacts = HostFacts['cgroup']

/** The limits of a container. @throws ConfigError, UnsupportedError */
export function planResources(config: Config, facts: CgroupFacts): ResourcePlan {
  const owner = facts.unified === undefined ? undefined : planOwner(config)
  const limits = planLimits(config.linux?.resources ?? {}, facts)
  return { ...limits, ...(owner === undefined ? {} : { owner }) }
}

/**
 * Limits, at create or for `update` of a container that has others.
 * @throws ConfigError for limits that contradict each other, UnsupportedError that names every controller
 * which the host lacks and where it was looked for
 */
export function planLimits(resources: Resources, facts: CgroupFacts, old: readonly Limit[] = []): ResourcePlan {
  const given = limitsOf(resources)
  assertPlaced(given, resources, facts)
  const host = { mountPoint: facts.unified, controllers: facts.controllers ?? [] }
  const controllers = new Set<string>([
    ...controllersOf(given).filter((name) => hierarchyOf(facts, name) === ''),
    ...unifiedControllers(resources, host),
  ])
  const limits = mergeLimits(given, unifiedLimits(resources))
  if (controllers.has('memory') && limits.some((one) => idOf(one) === 'memory.swap')) {
    swapAlone(changeLimits(old, limits))
  }
  return {
    controllers: [...controllers],
    // Beside v1 hierarchies the unified one only tracks; alone it also accounts, as engines expect.
    wanted: facts.mode === 'v2' ? (facts.controllers ?? []) : [],
    limits,
    ...(resources.memory?.checkBeforeUpdate ? { checksUsage: true } : {}),
  }
}

const controllersOf = (limits: readonly Limit[]): Controller[] => [...new Set(limits.map((one) => one.controller))]

/** @throws UnsupportedError for limits that the host has not, or not where their controllers are */
function assertPlaced(limits: readonly Limit[], { blockIO }: Resources, facts: CgroupFacts): void {
  const isLegacy = (name: Controller): boolean => hierarchyOf(facts, name) !== ''
  for (const one of limits) {
    const refused = notInV2[idOf(one)]
    if (refused === undefined || isLegacy(one.controller) || facts.mode === 'v1') continue
    const entry = blockIO?.weightDevice?.findIndex(({ leafWeight }) => isSet(leafWeight)) ?? 0
    const feature = `linux.resources.${refused[0].replace('*', String(entry))}`
    throw new UnsupportedError(feature, `${feature} does not exist on cgroup v2: ${refused[1]}`)
  }
  const missing = controllersOf(limits).filter((name) => !isLegacy(name) && facts.controllers?.includes(name) !== true)
  if (missing.length > 0) throw missingControllers(missing, facts)
}

function missingControllers(missing: readonly Controller[], facts: CgroupFacts): UnsupportedError {
  const places = [
    ...(facts.mode === 'v2' ? [] : ['no cgroup v1 hierarchy of that name is mounted']),
    ...(facts.unified === undefined ? [] : [`not in ${facts.unified}/cgroup.controllers`]),
  ]
  if (facts.mode !== 'v1' && missing.some((name) => name.startsWith('net_'))) {
    places.push('net_cls and net_prio exist only in cgroup v1')
  }
  const list = missing.map((name) => JSON.stringify(name)).join(', ')
  const what = missing.length === 1 ? `controller ${list} is` : `controllers ${list} are`
  const message = `cgroup ${what} not available: ${places.join('; ')}`
  return new UnsupportedError(`cgroup controller ${missing.join(', ')}`, message)
}
