/** Stage 2, plan: network devices that the container gets from the runtime (config-linux.md "Network devices"). */
import type { Linux } from '../config/types.js'
import { UnsupportedError } from '../errors.js'
import type { HostFacts, NetDevicePlan } from './types.js'

/**
 * Each device with its name in the container, in the order of the config.
 * @throws UnsupportedError for an ordinary user, who can take no device out of the runtime's namespace
 */
export function planNetDevices(linux: Linux | undefined, facts: Pick<HostFacts, 'euid'>): NetDevicePlan[] {
  const devices = Object.entries(linux?.netDevices ?? {})
  if (devices.length > 0 && facts.euid !== 0) {
    const message = 'network devices (/linux/netDevices) can only be moved into the container by root'
    throw new UnsupportedError('linux.netDevices', message)
  }
  return devices.map(([name, device]) => ({ name, target: device.name ?? name }))
}
