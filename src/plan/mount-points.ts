/**
 * Stage 2, plan: makes what a rootfs lacks of a container that CRIU makes again. CRIU mounts, but makes no mount point; a
 * rootfs that is not the one of before may have none. Pure.
 */
import { propagationBit } from '../config/vocabulary/mounts.js'
import { cloneFlag } from '../config/vocabulary/namespaces.js'
import { helperPlan } from './helper.js'
import type { Step } from './steps.js'
import type { LaunchPlan } from './types.js'

/** Nothing of it travels to the host. */
const slave: Step = { op: 'propagation', target: '/', flags: propagationBit.slave, recursive: true }

/** A mount of which only the place matters: what is below it does not belong into the rootfs. */
const placeholder = (destination: string, type = 'tmpfs'): Step => ({
  ...{ op: 'mountFilesystem', destination, type, source: type, options: [], propagation: [], label: '' },
  ...{ attrSet: 0, attrClear: 0, recursiveSet: 0, recursiveClear: 0, legacyFlags: 0, copyUp: false },
  ...{ parentSource: 0, idMapped: false },
})

function withoutEffect(step: Step): Step[] {
  switch (step.op) {
    case 'rootfs':
      return [{ ...step, parentSource: 0 }]
    case 'mountFilesystem':
      // Nothing else may be mounted at /proc.
      return [placeholder(step.destination, step.type === 'proc' ? step.type : 'tmpfs')]
    case 'mountCgroup':
      return [placeholder(step.destination)]
    case 'mountBind':
      return [{ ...step, propagation: [], parentSource: 0 }]
    case 'device':
    case 'symlink':
    case 'pivotRoot':
    case 'workingDirectory':
      return [step]
    default:
      return []
  }
}

/**
 * The plan of a helper that builds the rootfs of `plan` in a mount namespace of its own, which goes with it: the mount
 * points, device files and the working directory stay.
 */
export function planMountPoints(plan: LaunchPlan): LaunchPlan {
  const steps = plan.steps.flatMap(withoutEffect)
  return { ...helperPlan([slave, ...steps, { op: 'leave' }]), cloneFlags: cloneFlag.mount }
}
