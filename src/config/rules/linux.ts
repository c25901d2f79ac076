/** Stage 1, config: rules for the members of `linux` other than namespaces (config-linux.md). */
import { isNumberList, normalizedList } from '../lists.js'
import { sysctlNamespace, sysctlPath } from '../sysctl.js'
import type { MemoryPolicyMode } from '../types.js'
import { hasNamespace, requireAbsolute, type Rule } from './rule.js'

/**
 * A parameter may only be set in a namespace of the container's own. Whether a network namespace that is
 * joined by path is the runtime's own after all is only known to who opens it.
 */
export const sysctlsAreNamespaced: Rule = (config, report) => {
  for (const key of Object.keys(config.linux?.sysctl ?? {})) {
    const at = ['linux', 'sysctl', key]
    const path = sysctlPath(key)
    if (path === undefined) {
      report(at, 'is not the name of a kernel parameter')
      continue
    }
    const type = sysctlNamespace(path)
    if (type === undefined) report(at, 'is not in a separate kernel namespace')
    else if (path === 'kernel/hostname') report(at, 'conflicts with the member hostname, which is to be used instead')
    else if (!hasNamespace(config, type)) report(at, `is not allowed without a private ${type} namespace`)
  }
}

/** config-linux.md: both lists hold "absolute paths in the container namespace". */
export const restrictedPathsAreAbsolute: Rule = (config, report) => {
  for (const name of ['maskedPaths', 'readonlyPaths'] as const) {
    config.linux?.[name]?.forEach((path, index) => {
      requireAbsolute(path, ['linux', name, index], report)
    })
  }
}

/** config-linux.md "Devices": path is the "full path to device inside container". */
export const devicePathsAreAbsolute: Rule = (config, report) => {
  config.linux?.devices?.forEach(({ path }, index) => {
    requireAbsolute(path, ['linux', 'devices', index, 'path'], report)
  })
}

/** config-linux.md "Devices": numbers are "REQUIRED unless type is p". */
export const devicesHaveNumbers: Rule = (config, report) => {
  config.linux?.devices?.forEach((device, index) => {
    if (device.type === 'p') return
    for (const name of ['major', 'minor'] as const) {
      if (device[name] === undefined) report(['linux', 'devices', index, name], 'is missing')
    }
  })
}

/** config-linux.md "Allowed Device list"; runc demands the access as well: "all" is not to be had by omission. */
export const deviceRulesAreClear: Rule = (config, report) => {
  config.linux?.resources?.devices?.forEach(({ type = '', access = '' }, index) => {
    const at = ['linux', 'resources', 'devices', index]
    if (!['', 'a', 'b', 'c'].includes(type)) {
      report([...at, 'type'], `unknown device type ${JSON.stringify(type)}; known are a, b, c`)
    }
    if (access === '') report([...at, 'access'], `device access at ${index} field cannot be empty`)
    else if (!/^[rwm]+$/.test(access)) report([...at, 'access'], 'must consist of the letters r, w, m')
  })
}

/** config-linux.md "Personality": "Currently no flag values are supported". */
export const personalityHasNoFlags: Rule = (config, report) => {
  config.linux?.personality?.flags?.forEach((flag, index) => {
    report(['linux', 'personality', 'flags', index], `unknown personality flag ${JSON.stringify(flag)}`)
  })
}

const nodesByMode: Readonly<Record<MemoryPolicyMode, 'none' | 'some' | 'any'>> = {
  MPOL_DEFAULT: 'none',
  MPOL_LOCAL: 'none',
  MPOL_PREFERRED: 'any',
  MPOL_PREFERRED_MANY: 'some',
  MPOL_BIND: 'some',
  MPOL_INTERLEAVE: 'some',
  MPOL_WEIGHTED_INTERLEAVE: 'some',
}

/** set_mempolicy(2): what the kernel would refuse as EINVAL, without a word of the reason. */
export const memoryPolicyFitsItsMode: Rule = (config, report) => {
  const policy = config.linux?.memoryPolicy
  if (policy === undefined) return
  const { mode, nodes = '', flags = [] } = policy
  const at = ['linux', 'memoryPolicy']
  const given = normalizedList(nodes) !== ''
  if (given && !isNumberList(nodes)) {
    report([...at, 'nodes'], `must be a list of memory nodes such as "0-3,7", found ${JSON.stringify(nodes)}`)
  } else if (given && nodesByMode[mode] === 'none') report([...at, 'nodes'], `is not allowed with mode ${mode}`)
  if (!given && nodesByMode[mode] === 'some') report([...at, 'nodes'], `is missing: mode ${mode} needs a node`)
  if (flags.includes('MPOL_F_STATIC_NODES') && flags.includes('MPOL_F_RELATIVE_NODES')) {
    report([...at, 'flags'], 'MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other')
  }
  // The default is no policy: there is nothing that flags could change.
  if (flags.length > 0 && !given && mode !== 'MPOL_DEFAULT') report([...at, 'flags'], 'need nodes')
}
