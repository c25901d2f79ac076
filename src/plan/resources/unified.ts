/** Stage 2, plan: files of cgroup v2 by their names (config-linux.md "Unified"). */
import type { Resources } from '../../config/types.js'
import { UnsupportedError } from '../../errors.js'
import { contradiction, type Write } from './values.js'

/** What the unified hierarchy of the host offers. */
export interface UnifiedHost {
  readonly mountPoint: string | undefined
  readonly controllers: readonly string[]
}

/**
 * The writes, and the controllers that they need. Each line of a value is one write.
 * @throws ConfigError for a key that is not the name of a file, UnsupportedError for a missing controller
 */
export function planUnified(
  { unified = {} }: Resources,
  host: UnifiedHost,
): { writes: Write[]; controllers: string[] } {
  const controllers = new Set<string>()
  const writes = Object.entries(unified).map(([file, value]): Write => {
    const controller = controllerOf(file)
    if (host.mountPoint === undefined) {
      const message = `unified resource ${JSON.stringify(file)} can't be set: the host has no cgroup v2 hierarchy`
      throw new UnsupportedError('linux.resources.unified', message)
    }
    if (controller !== 'cgroup') {
      if (!host.controllers.includes(controller)) throw missing(file, controller, host.mountPoint)
      controllers.add(controller)
    }
    return { file, value: value.trim() }
  })
  return { writes, controllers: [...controllers] }
}

function controllerOf(file: string): string {
  const quoted = JSON.stringify(file)
  if (file.includes('/')) {
    throw contradiction('unified', `unified resource ${quoted} must be a file name (no slashes)`)
  }
  const dot = file.indexOf('.')
  if (dot <= 0) throw contradiction('unified', `unified resource ${quoted} must be in the form CONTROLLER.PARAMETER`)
  return file.slice(0, dot)
}

function missing(file: string, controller: string, mountPoint: string): UnsupportedError {
  const what = `unified resource ${JSON.stringify(file)} can't be set: controller "${controller}" not available`
  return new UnsupportedError(`cgroup controller ${controller}`, `${what} (not in ${mountPoint}/cgroup.controllers)`)
}
