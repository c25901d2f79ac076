/** Stage 3, state: the record kept of a container in state.json, and the OCI state document made of it. */
import type { Hook } from '../config/types.js'
import { StoreError } from '../errors.js'
import { ociState, type OciState } from '../plan/oci-state.js'
import { olderLimits } from '../plan/resources/saved.js'
import type { Limit } from '../plan/resources/types.js'
import type { CgroupManager, CgroupPlan } from '../plan/types.js'
import type { Status } from './status.js'

/** Version of the record's format; a record with a higher one is refused, not guessed at. */
export const recordVersion = 1

/** A container's groups of resctrl (Intel resource director). */
export interface RdtRecord {
  /** Mount point of the file system. */
  readonly root: string
  readonly group: string
  /** True when the group goes with the container. */
  readonly own: boolean
  /** A monitoring group of the container's own. */
  readonly monitor?: string
}

/** What tsrun must know of a container after the command that made it has ended. */
export interface StateRecord {
  readonly version: typeof recordVersion
  readonly id: string
  /** Process id of init in the runtime's pid namespace; 0 until it exists. */
  readonly pid: number
  /** Start time of init in clock ticks since boot (/proc/PID/stat field 22): tells a reused pid. */
  readonly startTime: string
  /** RFC 3339. */
  readonly created: string
  readonly bundle: string
  readonly rootfs: string
  /** Effective user id of who made the container. */
  readonly owner: number
  readonly annotations?: Readonly<Record<string, string>>
  readonly cgroup: CgroupPlan
  /** Who made the cgroups: later commands are called without --systemd-cgroup. */
  readonly cgroupManager: CgroupManager
  /** As they are now; absent: none. */
  readonly limits?: readonly Limit[]
  readonly intelRdt?: RdtRecord
  /** False when init shares its pid namespace, so that killing it does not kill the others. */
  readonly ownPidNamespace: boolean
  /** True when create kept the caller's session keyring: then there is none of the container's to join. */
  readonly noNewKeyring?: boolean
  /** Name of the container's session keyring; `_ses.ID` where there is none, of an older version. */
  readonly keyring?: string
  readonly poststart?: readonly Hook[]
  readonly poststop?: readonly Hook[]
}

/** The state of a container as `state` and `list` print it (runtime.md "State", and runc's additions). */
export interface ContainerState extends OciState<Status> {
  readonly rootfs: string
  readonly created: string
  readonly owner: string
}

const types: Readonly<Record<string, string>> = {
  id: 'string',
  pid: 'number',
  startTime: 'string',
  created: 'string',
  bundle: 'string',
  rootfs: 'string',
  owner: 'number',
  ownPidNamespace: 'boolean',
  cgroup: 'object',
  cgroupManager: 'string',
}

const members = Object.keys(types)

/**
 * Reads a record. Checked by hand: every command of an engine passes here, and building a schema
 * would cost more than all the rest of `state`.
 * @throws StoreError for broken text, a missing member, or a newer version
 */
export function parseRecord(text: string, path: string): StateRecord {
  let value: Record<string, unknown> | null
  try {
    value = JSON.parse(text) as Record<string, unknown> | null
  } catch (cause) {
    throw new StoreError(`state record ${JSON.stringify(path)} is not JSON`, path, { cause })
  }
  if (typeof value !== 'object' || value === null) throw new StoreError(`state record "${path}" is broken`, path)
  if (typeof value.version !== 'number' || value.version > recordVersion) {
    const found = JSON.stringify(value.version)
    throw new StoreError(`state record "${path}" has version ${found}; this tsrun knows ${recordVersion}`, path)
  }
  for (const name of members) {
    const member = value[name]
    if (typeof member !== types[name] || member === null) {
      throw new StoreError(`state record "${path}" is broken: member ${name} is not a ${types[name]}`, path)
    }
  }
  const { unified, v1 } = value.cgroup as { unified?: unknown; v1?: unknown }
  const isPlace = (place: unknown): boolean => typeof place === 'string'
  if (!isPlace(unified ?? '') || !isObject(v1) || !Object.values(v1).every(isPlace)) {
    throw new StoreError(`state record "${path}" is broken: member cgroup is not a list of directories`, path)
  }
  // Earlier versions of tsrun had the text of `linux.resources`.
  if (!Array.isArray(value.limits) && typeof value.resources === 'string') value.limits = olderLimits(value.resources)
  return value as unknown as StateRecord
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** The state of `state` and `list` for a record whose status has been observed, in runc's order. */
export function toContainerState(record: StateRecord, status: Status, owner: string): ContainerState {
  const { rootfs, created } = record
  const { ociVersion, id, pid, bundle, annotations } = ociState(record, status)
  const state = { ociVersion, id, pid, status, bundle, rootfs, created }
  return annotations ? { ...state, annotations, owner } : { ...state, owner }
}
