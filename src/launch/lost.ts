/** Stage 4, launch: removes what is left of a container whose record cannot be read, by its id and what its config says. */
import { parseJson } from '../config/json.js'
import type { Config } from '../config/types.js'
import { messageChain, type StoreError } from '../errors.js'
import { probeHost } from '../host/facts.js'
import { fileInfo, processIds } from '../native/binding.js'
import { planCgroup } from '../plan/cgroup.js'
import { planSystemdCgroup } from '../plan/systemd.js'
import type { CgroupManager, CgroupPlan } from '../plan/types.js'
import type { ContainerId, Store } from '../state/store.js'
import { cgroupDriver } from '../cgroup/driver.js'
import { Cgroup } from '../cgroup/cgroup.js'
import type { RuntimeContext } from './context.js'

/** What the copy of the config still tells; anything may be wrong with it. */
type Known = Pick<Config, 'linux' | 'hooks'>

function knownConfig(store: Store, id: ContainerId): Known | undefined {
  try {
    const { linux, hooks } = parseJson(store.loadConfig(id)) as Known
    return { ...(linux ? { linux } : {}), ...(hooks ? { hooks } : {}) }
  } catch {
    return undefined
  }
}

interface Place {
  readonly manager: CgroupManager
  readonly cgroup: CgroupPlan
}

/** Where the cgroups of a container of this id are, whoever has made them; as in `create`, without the directories that are not there. */
function possiblePlaces(id: string, config: Known): Place[] {
  const facts = probeHost({ apparmor: false, selinux: false })
  const linux = { linux: { cgroupsPath: config.linux?.cgroupsPath ?? '' } }
  const places: Place[] = []
  for (const manager of ['cgroupfs', 'systemd'] as const) {
    try {
      const plan = manager === 'systemd' ? planSystemdCgroup : planCgroup
      const cgroup = present(plan(linux, id, facts))
      if (new Cgroup(cgroup).directories.length > 0) places.push({ manager, cgroup })
    } catch {
      // The path is one for the other of the two, or there is no systemd.
    }
  }
  return places
}

function present({ unified, v1 }: CgroupPlan): CgroupPlan {
  const isThere = (directory: string): boolean => fileInfo(directory)?.type === 'directory'
  return {
    ...(unified !== undefined && isThere(unified) ? { unified } : {}),
    v1: Object.fromEntries(Object.entries(v1).filter(([, directory]) => isThere(directory))),
  }
}

/**
 * Removes the cgroups with their processes, and the state directory. What is not known without the record is told
 * as a warning. A cgroup in which others are by now is left to them. The caller holds the lock.
 * @throws SyscallError
 */
export async function destroyLost(
  context: RuntimeContext,
  id: ContainerId,
  reason: StoreError,
  othersUse: (cgroup: CgroupPlan) => boolean,
): Promise<void> {
  const { store, waiter, onWarning } = context
  const config = knownConfig(store, id)
  const removed: string[] = []
  for (const { manager, cgroup } of possiblePlaces(id, config ?? {})) {
    const pids = new Cgroup(cgroup).processes()
    if (pids.includes(processIds().pid) || othersUse(cgroup)) continue
    await (await cgroupDriver(manager, waiter)).remove(cgroup)
    removed.push(`${new Cgroup(cgroup).directories.join(', ')} (${pids.length} processes)`)
  }
  store.remove(id)
  const what = removed.length === 0 ? 'no cgroup of its own was there' : `removed ${removed.join(', ')}`
  onWarning(`container ${id} had no usable record: ${messageChain(reason)}; ${what}${unknown(config)}`)
}

/** What a record would have told. */
function unknown(config: Known | undefined): string {
  if (config === undefined)
    return '; its config is lost too: processes elsewhere, poststop hooks and resctrl groups are not known'
  const left = [
    ...(config.hooks?.poststop?.length ? ['its poststop hooks have not been run'] : []),
    ...(config.linux?.intelRdt ? ['its resctrl group is left'] : []),
  ]
  return left.map((one) => `; ${one}`).join('')
}
