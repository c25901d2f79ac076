/** Stage 4, launch: changes the limits of a container. */
import { readAs } from '../config/document.js'
import { resourcesShape } from '../config/schema/resources.js'
import type { Resources } from '../config/types.js'
import { ConfigError, UnsupportedError } from '../errors.js'
import { probeHost } from '../host/facts.js'
import { changeLimits } from '../plan/resources/limits.js'
import { planLimits } from '../plan/resources/plan.js'
import { savedLimits } from '../plan/resources/saved.js'
import { limitWarnings } from '../plan/resources/warnings.js'
import type { RdtSchemas } from '../plan/intel-rdt.js'
import { observeStatus } from '../state/observe.js'
import type { StateRecord } from '../state/record.js'
import { assertStatus } from '../state/status.js'
import type { ContainerId } from '../state/store.js'
import { cgroupDriver } from '../cgroup/driver.js'
import type { RuntimeContext } from './context.js'
import { checkSchemas, updateRdt } from './intel-rdt-update.js'

/**
 * Changes limits; what is not in `value` stays as it is. All of them are changed, or none.
 * @param value a document like `linux.resources`; its device rules have no effect
 * @param schemas like members of `linux.intelRdt`
 * @throws ConfigError, StatusError, UnsupportedError, SyscallError
 */
export async function updateContainer(
  context: RuntimeContext,
  id: ContainerId,
  value: unknown,
  schemas: RdtSchemas,
): Promise<void> {
  const given = await readResources(value)
  checkSchemas(schemas)
  const { store, waiter } = context
  const lock = await store.lockWith(id, waiter.locked)
  try {
    const record = store.load(id)
    assertStatus(id, 'update', observeStatus(store, id, record))
    const undo = updateRdt(record, schemas, (changed) => store.save(id, changed))
    try {
      if (undo === undefined || Object.keys(given).length > 0) await updateLimits(context, store.load(id), id, given)
    } catch (error) {
      undo?.()
      throw error
    }
  } finally {
    lock.release()
  }
}

async function updateLimits(
  { store, waiter, onWarning }: RuntimeContext,
  record: StateRecord,
  id: ContainerId,
  given: Resources,
): Promise<void> {
  if (record.cgroupManager === 'disabled') throw withoutCgroup(id)
  const { limits: old = [], cgroup, cgroupManager } = record
  const resources = planLimits(given, probeHost({ apparmor: false, selinux: false }).cgroup, old)
  for (const warning of limitWarnings(given)) onWarning(warning)
  const driver = await cgroupDriver(cgroupManager, waiter)
  const all = changeLimits(old, resources.limits)
  // Written down first: what cannot be kept must not be changed.
  store.save(id, { ...record, limits: savedLimits(all) })
  try {
    await driver.update({ cgroup, resources, all })
  } catch (error) {
    store.save(id, record)
    throw error
  }
}

async function readResources(value: unknown): Promise<Resources> {
  try {
    return await readAs(resourcesShape(), value)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new ConfigError(error.message.replace('config.json', 'resources'), error.issues)
  }
}

function withoutCgroup(id: ContainerId): UnsupportedError {
  return new UnsupportedError('update', `container ${JSON.stringify(id)} has no cgroup of its own to limit`)
}
