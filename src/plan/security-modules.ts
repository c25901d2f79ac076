/** Stage 2, plan: the labels of Linux security modules, which a host without the module cannot give. */
import type { Config } from '../config/types.js'
import { UnsupportedError } from '../errors.js'
import type { Step } from './steps.js'
import type { HostFacts } from './types.js'

/** The profile that means none; the only one that every host has. */
const unconfined = 'unconfined'

/**
 * The AppArmor profile of the container's program (config.md "Process": apparmorProfile).
 *
 * @throws UnsupportedError where the kernel has no AppArmor: a container without the confinement that
 * was asked for must not run.
 */
export function planApparmor({ process }: Config, facts: HostFacts): Step[] {
  const profile = process.apparmorProfile ?? ''
  if (profile === '' || (profile === unconfined && !facts.apparmor)) return []
  if (!facts.apparmor) throw unsupported('AppArmor', '/process/apparmorProfile')
  return [{ op: 'apparmor', profile }]
}

/**
 * The SELinux label of the container's program (config.md "Process": selinuxLabel).
 *
 * @throws UnsupportedError where SELinux is off, also for linux.mountLabel.
 */
export function planSelinux({ process, linux }: Config, facts: HostFacts): Step[] {
  const label = process.selinuxLabel ?? ''
  if (!facts.selinux) {
    if (label !== '') throw unsupported('SELinux', '/process/selinuxLabel')
    if (linux?.mountLabel) throw unsupported('SELinux', '/linux/mountLabel')
  }
  return label === '' ? [] : [{ op: 'selinux', label }]
}

function unsupported(module: string, pointer: string): UnsupportedError {
  return new UnsupportedError(module.toLowerCase(), `${pointer} is set, but ${module} is not enabled on this host`)
}
