/** Stage 1, config: the rules across fields, which a schema cannot say. The table below is all of them. */
import type { ConfigIssue } from '../errors.js'
import { pointer } from './pointer.js'
import * as annotations from './rules/annotations.js'
import * as intelRdt from './rules/intel-rdt.js'
import * as idMappings from './rules/id-mappings.js'
import * as linux from './rules/linux.js'
import * as mountIdMaps from './rules/mount-id-maps.js'
import * as mounts from './rules/mounts.js'
import * as namespaces from './rules/namespaces.js'
import * as network from './rules/network.js'
import * as paths from './rules/paths.js'
import * as process from './rules/process.js'
import type { Rule } from './rules/rule.js'
import * as seccomp from './rules/seccomp.js'
import type { ConfigDocument } from './types.js'

/** Every breach of a rule in a document that passed the schema, in the order of the table. */
export function checkRules(config: ConfigDocument): ConfigIssue[] {
  const issues: ConfigIssue[] = []
  for (const rule of rules) rule(config, (at, message) => issues.push({ pointer: pointer(at), message }))
  return issues
}

const rules: readonly Rule[] = [
  process.processIsGiven,
  process.rootIsGiven,
  paths.pathsFitTheKernel,
  process.cwdIsAbsolute,
  process.rlimitsAreUnique,
  process.softLimitsAreBelowHardOnes,
  process.schedulerFitsPolicy,
  process.hookPathsAreAbsolute,
  mounts.mountsHaveDestinations,
  mounts.procIsProcfs,
  mounts.mountsHaveType,
  mounts.bindMountsHaveSource,
  mounts.bindMountsHaveNoData,
  mounts.linkOptionsAreForBinds,
  mountIdMaps.idMappedMountsHaveMappings,
  mountIdMaps.mountIdMappingsFitTheKernel,
  namespaces.namespacesAreUnique,
  namespaces.namespacePathsAreAbsolute,
  namespaces.namesNeedUtsNamespace,
  namespaces.mountsNeedMountNamespace,
  namespaces.idMappingsFitUserNamespace,
  idMappings.idMappingsFitTheKernel,
  idMappings.rootIsMapped,
  idMappings.usersAreMapped,
  namespaces.timeOffsetsNeedNewTimeNamespace,
  linux.sysctlsAreNamespaced,
  linux.restrictedPathsAreAbsolute,
  linux.devicePathsAreAbsolute,
  linux.devicesHaveNumbers,
  linux.deviceRulesAreClear,
  linux.personalityHasNoFlags,
  linux.memoryPolicyFitsItsMode,
  intelRdt.closIdIsGroup,
  intelRdt.schemataAreLines,
  network.netDevicesNeedNetworkNamespace,
  network.netDevicesHaveNames,
  network.netDevicesHaveNamesOfTheirOwn,
  seccomp.notifyLeavesInitAlone,
  seccomp.notifyHasListener,
  seccomp.errnoFitsAction,
  annotations.annotationsArePossible,
  annotations.annotationPathsAreAbsolute,
  annotations.mountContextIsKnown,
]
