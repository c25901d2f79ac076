/** Cgroup: puts the device rules of a container into force. */
import { isRootless } from '../host/facts.js'
import { hasErrno, setDeviceRules } from '../native/binding.js'
import type { DeviceRulePlan } from '../plan/resources/devices.js'
import type { CgroupPlan } from '../plan/types.js'
import { restrictDevicesV1 } from './v1.js'

/**
 * Restricts the devices of a container before there is anybody in its cgroups: by an eBPF program of
 * the unified one, else by the devices controller of cgroup v1. Without the host's root bpf(2) is not
 * permitted, and devices can't be made either: then the container goes without.
 * @throws SyscallError, UnsupportedError when cgroup v1 cannot express the rules
 */
export function restrictDevices(cgroup: CgroupPlan, rules: readonly DeviceRulePlan[]): void {
  if (cgroup.unified === undefined) {
    restrictDevicesV1(cgroup, rules)
    return
  }
  try {
    setDeviceRules(cgroup.unified, rules)
  } catch (error) {
    if (!isRootless() || !(hasErrno(error, 'EPERM') || hasErrno(error, 'EACCES'))) throw error
  }
}
