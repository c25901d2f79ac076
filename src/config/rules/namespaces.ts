/** Stage 1, config: rules about namespaces and what may only be changed in one of the container's own. */
import { pointer } from '../pointer.js'
import { duplicates, hasNamespace, requireAbsolute, type Rule } from './rule.js'

/** config-linux.md "Namespaces": "duplicated namespaces with same type" are an error. */
export const namespacesAreUnique: Rule = (config, report) => {
  for (const { index, first } of duplicates(config.linux?.namespaces ?? [], (namespace) => namespace.type)) {
    report(
      ['linux', 'namespaces', index, 'type'],
      `is the same namespace type as ${pointer(['linux', 'namespaces', first])}`,
    )
  }
}

/** config-linux.md "Namespaces": path "MUST be an absolute path in the runtime mount namespace". */
export const namespacePathsAreAbsolute: Rule = (config, report) => {
  config.linux?.namespaces?.forEach(({ path }, index) => {
    if (path !== undefined) requireAbsolute(path, ['linux', 'namespaces', index, 'path'], report)
  })
}

/** Otherwise the names of the host would change. The words are runc's. */
export const namesNeedUtsNamespace: Rule = (config, report) => {
  if (hasNamespace(config, 'uts')) return
  for (const name of ['hostname', 'domainname'] as const) {
    if (config[name] !== undefined) report([name], `unable to set ${name} without a private UTS namespace`)
  }
}

/** Otherwise the mounts of the host would change. */
export const mountsNeedMountNamespace: Rule = (config, report) => {
  if (hasNamespace(config, 'mount')) return
  const message = 'needs a mount namespace'
  if ((config.mounts ?? []).length > 0) report(['mounts'], message)
  if (config.root?.readonly === true) report(['root', 'readonly'], message)
  for (const name of ['maskedPaths', 'readonlyPaths'] as const) {
    if ((config.linux?.[name] ?? []).length > 0) report(['linux', name], message)
  }
  if (config.linux?.rootfsPropagation !== undefined) report(['linux', 'rootfsPropagation'], message)
}

/** Ids are mapped by a user namespace, and a new one without maps has no user that could set it up. */
export const idMappingsFitUserNamespace: Rule = (config, report) => {
  const user = config.linux?.namespaces?.find((namespace) => namespace.type === 'user')
  for (const name of ['uidMappings', 'gidMappings'] as const) {
    const isGiven = (config.linux?.[name] ?? []).length > 0
    if (isGiven && user === undefined) report(['linux', name], 'needs a user namespace')
    if (!isGiven && user !== undefined && user.path === undefined) {
      report(['linux', name], 'is missing: a new user namespace needs it')
    }
  }
}

/** time_namespaces(7): offsets are fixed once a process is in the namespace. */
export const timeOffsetsNeedNewTimeNamespace: Rule = (config, report) => {
  if (Object.keys(config.linux?.timeOffsets ?? {}).length === 0) return
  const time = config.linux?.namespaces?.find((namespace) => namespace.type === 'time')
  if (time === undefined) report(['linux', 'timeOffsets'], 'needs a time namespace')
  else if (time.path !== undefined)
    report(['linux', 'timeOffsets'], 'needs a new time namespace, not one joined by path')
}
