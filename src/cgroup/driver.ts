/** Cgroup: who makes, limits and removes the cgroups of a container. */
import type { Config } from '../config/types.js'
import type { Limit, ResourcePlan } from '../plan/resources/types.js'
import type { CgroupManager, CgroupPlan, LaunchPlan } from '../plan/types.js'
import { cgroupfsDriver } from './cgroupfs.js'
import type { Waiter } from '../native/wait.js'

/** What a driver gets to make the cgroups of a new container. */
export interface CgroupRequest {
  readonly id: string
  readonly config: Config
  readonly plan: LaunchPlan
  /** Missing permission is no error where no limit is set: there the container stays in the runtime's cgroup (rootless). */
  readonly tolerant: boolean
}

/** What a driver gets to change the limits of a container. */
export interface CgroupChange {
  readonly cgroup: CgroupPlan
  readonly resources: ResourcePlan
  /** What the container has then. */
  readonly all: readonly Limit[]
}

/** One way to manage cgroups; which one a container has is recorded in its state. */
export interface CgroupDriver {
  /**
   * Makes the cgroups at the places in `plan.cgroup` and limits them before init is born in them. On failure nothing of them is left.
   * @returns where they are: `plan.cgroup` without the directories of which it was tolerated that they could not
   * be made, or the places that systemd has chosen
   * @throws StatusError when one is in use or frozen, UnsupportedError for a missing controller, SyscallError
   */
  create(request: CgroupRequest): Promise<CgroupPlan>
  /** Called when init has come to `created`: does what has to wait for it. @throws SyscallError */
  finish(plan: LaunchPlan): Promise<void>
  /**
   * Changes limits; when one is rejected, those written before get their old values back.
   * @throws UnsupportedError, SyscallError
   */
  update(change: CgroupChange): Promise<void>
  /** Removes the cgroups; processes that are still in them are killed. @throws SyscallError */
  remove(cgroup: CgroupPlan): Promise<void>
}

/** The driver with this name; that for systemd, with its D-Bus client, is loaded only when it is used. */
export function cgroupDriver(manager: CgroupManager, waiter: Waiter): Promise<CgroupDriver> {
  return manager === 'systemd'
    ? import('./systemd.js').then(({ systemdDriver }) => systemdDriver(waiter))
    : Promise.resolve(cgroupfsDriver(waiter))
}
