/** Stage 4, launch: what is written down of a container before anything of it is made. */
import { readProc } from '../host/facts.js'
import { processIds } from '../native/binding.js'
import { savedLimits } from '../plan/resources/saved.js'
import type { CgroupManager } from '../plan/types.js'
import { recordVersion, type StateRecord } from '../state/record.js'
import type { ContainerId } from '../state/store.js'
import { rdtRecord } from './intel-rdt.js'
import type { CreateOptions, Prepared } from './prepare.js'

/**
 * A name for a container's session keyring. Keyrings are joined by name (keyctl(2)): under one that can be guessed another
 * container could have planted its own, keys and all.
 */
export const newKeyringName = (id: ContainerId): string =>
  `${readProc('/proc/sys/kernel/random/uuid').trim()}_ses.${id}`

/** The record of a container that has no process yet. */
export function firstRecord(
  id: ContainerId,
  { config, bundle, rootfs, keyring, plan }: Prepared,
  cgroupManager: CgroupManager,
  options: CreateOptions,
): StateRecord {
  const { annotations, hooks } = config
  const pidNamespace = config.linux?.namespaces?.find(({ type }) => type === 'pid')
  return {
    version: recordVersion,
    id,
    pid: 0,
    startTime: '',
    created: new Date().toISOString(),
    bundle,
    rootfs,
    owner: processIds().euid,
    ...(annotations ? { annotations } : {}),
    cgroup: plan.cgroup,
    cgroupManager,
    ...(plan.intelRdt ? { intelRdt: rdtRecord(plan.intelRdt) } : {}),
    limits: savedLimits(plan.resources.limits),
    ownPidNamespace: pidNamespace !== undefined && (pidNamespace.path ?? '') === '',
    ...(options.noNewKeyring ? { noNewKeyring: true } : {}),
    ...(keyring === undefined ? {} : { keyring }),
    ...(hooks?.poststart?.length ? { poststart: hooks.poststart } : {}),
    ...(hooks?.poststop?.length ? { poststop: hooks.poststop } : {}),
  }
}
