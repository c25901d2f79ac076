/** Stage 2, plan: who the container's process is: capability sets, user, groups. */
import type { Capabilities, Process } from '../config/types.js'
import { capabilityNames } from '../config/vocabulary/process.js'
import type { Step } from './steps.js'
import type { HostFacts } from './types.js'

/** A set with every capability, also those to come. */
export const everything = (1n << 64n) - 1n

const sysAdmin = 1n << BigInt(capabilityNames.indexOf('CAP_SYS_ADMIN'))

/** Whether a set has a capability. */
export function hasCapability(set: bigint, name: (typeof capabilityNames)[number]): boolean {
  return ((set >> BigInt(capabilityNames.indexOf(name))) & 1n) === 1n
}

/** What planning the identity needs to know of the host. */
export type IdentityFacts = Pick<HostFacts, 'highestCapability' | 'grantableCapabilities'>

/** What the rest of the plan means for the identity. */
interface IdentityContext {
  /** CAP_SYS_ADMIN stays permitted until the seccomp filter is loaded. */
  readonly keepSysAdmin: boolean
  /** A user namespace is entered before: in it the process has all capabilities to give. */
  readonly userNamespace: boolean
  /** The groups are those of the runtime's caller. */
  readonly keepGroups?: boolean
}

/** Steps that give up root, in the order in which they must run. */
export interface IdentityPlan {
  readonly steps: readonly Step[]
  readonly warnings: readonly string[]
}

/**
 * Plans bounding set, user and capability sets (config.md "User", config-linux.md "Capabilities").
 * Without process.capabilities none of the sets is touched. Capabilities that cannot be given are left
 * out with a warning, as the spec demands.
 */
export function planIdentity(
  process: Process,
  facts: IdentityFacts,
  { keepSysAdmin, userNamespace, keepGroups = false }: IdentityContext,
): IdentityPlan {
  const user = planUser(process, keepGroups)
  const capabilities = process.capabilities
  if (capabilities === undefined) return { steps: [user], warnings: [] }
  const warnings: string[] = []
  const grantable = userNamespace ? everything : facts.grantableCapabilities
  const sets = capabilitySets(capabilities, { ...facts, grantableCapabilities: grantable }, warnings)
  const { bounding, effective, permitted, inheritable, ambient } = sets
  const reserve = keepSysAdmin ? sysAdmin : 0n
  const steps: Step[] = [
    // Before the user changes: dropping from the bounding set takes CAP_SETPCAP.
    { op: 'boundingSet', keep: bounding },
    user,
    { op: 'capabilities', effective, permitted, inheritable, ambient, reserve },
  ]
  return { steps, warnings }
}

function planUser(process: Process, keepGroups: boolean): Step {
  return {
    op: 'user',
    uid: process.user?.uid ?? 0,
    gid: process.user?.gid ?? 0,
    groups: keepGroups ? [] : (process.user?.additionalGids ?? []),
    // Also without any: those of the caller must go, where the kernel lets them.
    setGroups: !keepGroups,
    keepCapabilities: process.capabilities !== undefined,
  }
}

type CapabilitySets = Record<keyof Capabilities, bigint>

function capabilitySets(capabilities: Capabilities, facts: IdentityFacts, warnings: string[]): CapabilitySets {
  const unknown = new Set<string>()
  const bits = (names: readonly string[] | undefined): bigint => capabilityBits(names ?? [], facts, unknown)
  const wanted: CapabilitySets = {
    bounding: bits(capabilities.bounding),
    effective: bits(capabilities.effective),
    permitted: bits(capabilities.permitted),
    inheritable: bits(capabilities.inheritable),
    ambient: bits(capabilities.ambient),
  }
  for (const name of unknown) warnings.push(`capability ${JSON.stringify(name)} is not known and is ignored`)
  // capabilities(7): the kernel refuses the whole call for one that is too much.
  const { bounding } = wanted
  const permitted = wanted.permitted & facts.grantableCapabilities
  const inheritable = wanted.inheritable & bounding & facts.grantableCapabilities
  warnMissing(warnings, (wanted.permitted | wanted.inheritable) & ~facts.grantableCapabilities)
  warnLost(warnings, 'inheritable', wanted.inheritable & ~bounding, 'in the bounding set')
  warnLost(warnings, 'effective', wanted.effective & ~wanted.permitted, 'permitted')
  warnLost(warnings, 'ambient', wanted.ambient & ~(wanted.permitted & wanted.inheritable), 'permitted and inheritable')
  const effective = wanted.effective & permitted
  return { bounding, permitted, inheritable, effective, ambient: wanted.ambient & permitted & inheritable }
}

/** The container does without, as the spec demands: "Runtimes SHOULD NOT fail". */
function warnMissing(warnings: string[], missing: bigint): void {
  if (missing === 0n) return
  warnings.push(`${capabilityList(missing).join(', ')} cannot be granted, since tsrun itself does not have it`)
}

function warnLost(warnings: string[], set: string, lost: bigint, needed: string): void {
  if (lost === 0n) return
  warnings.push(`${capabilityList(lost).join(', ')} cannot be ${set} without being ${needed}`)
}

function capabilityBits(names: readonly string[], facts: IdentityFacts, unknown: Set<string>): bigint {
  let bits = 0n
  for (const name of names) {
    const bit = (capabilityNames as readonly string[]).indexOf(name)
    if (bit < 0 || bit > facts.highestCapability) unknown.add(name)
    else bits |= 1n << BigInt(bit)
  }
  return bits
}

/** Names of the bits of a capability set; bits without a name come as their number. */
export function capabilityList(bits: number | bigint): string[] {
  const names: string[] = []
  for (let bit = 0, rest = BigInt(bits); rest !== 0n; bit++, rest >>= 1n) {
    if (rest & 1n) names.push(capabilityNames[bit] ?? `CAP_${bit}`)
  }
  return names
}
