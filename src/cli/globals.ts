/** Command line: the global options, checked. */
import { cleanPath, type RuntimeOptions, UsageError } from '../core.js'
import type { LogOptions } from './log.js'
import type { globalOptions, OptionValues } from './options.js'

type GlobalValues = OptionValues<typeof globalOptions>

const rootlessValues: Readonly<Record<string, boolean | 'auto'>> = { true: true, false: false, auto: 'auto' }
const cgroupManagers = ['cgroupfs', 'systemd', 'disabled'] as const

/**
 * What the global options say about the log.
 *
 * @throws UsageError for an unknown format or level.
 */
export function logOptions(values: GlobalValues): LogOptions {
  const { log, logFormat: format, logLevel: level } = values
  if (format !== 'text' && format !== 'json') throw new UsageError(`invalid log-format: ${format}`)
  const known = level === undefined || level === 'error' || level === 'warning' || level === 'debug'
  if (!known) throw new UsageError(`invalid log-level: ${level}`)
  const debug = values.debug || level === 'debug'
  return {
    format,
    debug,
    warnings: debug || level === 'warning' ? 'at once' : level === 'error' ? 'never' : 'after success',
    ...(log === undefined || log === '' ? {} : { destination: log }),
  }
}

/**
 * What the global options say about the runtime; the root becomes absolute.
 *
 * @throws UsageError for a value that isn't allowed.
 */
export function runtimeOptions(values: GlobalValues): RuntimeOptions {
  const rootless = Object.hasOwn(rootlessValues, values.rootless) ? rootlessValues[values.rootless] : undefined
  if (rootless === undefined) throw new UsageError(`invalid rootless: ${values.rootless}`)
  const cgroupManager = cgroupManagers.find((name) => name === values.cgroupManager)
  if (cgroupManager === undefined && values.cgroupManager !== undefined) {
    throw new UsageError(`invalid cgroup-manager: ${values.cgroupManager}`)
  }
  return {
    rootless,
    systemdCgroup: values.systemdCgroup,
    ...(cgroupManager === undefined ? {} : { cgroupManager }),
    ...(values.root === undefined ? {} : { root: absoluteRoot(values.root) }),
  }
}

/** `delete` and `list` go through all directories of the root: those of `/` aren't containers. */
function absoluteRoot(path: string): string {
  if (path === '') throw new UsageError('Option --root argument should not be empty')
  const root = cleanPath(path.startsWith('/') ? path : `${workingDirectory(path)}/${path}`)
  if (root === '/') throw new UsageError('Option --root argument should not be set to /')
  return root
}

/** The directory that relative paths start from. @throws UsageError when it has been deleted or unmounted */
function workingDirectory(path: string): string {
  try {
    return process.cwd()
  } catch {
    throw new UsageError(`cannot find ${JSON.stringify(path)}: there is no current working directory any more`)
  }
}
