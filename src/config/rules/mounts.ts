/** Stage 1, config: rules for `mounts`. Destinations are judged lexically; init checks again what they resolve to. */
import { isBindMount, isDataOption } from '../mount-options.js'
import { cleanPath } from '../paths.js'
import type { Mount } from '../types.js'
import type { Rule } from './rule.js'

/** The files of /proc that lxcfs replaces: no others may be covered, see CVE-2019-16884. */
const replaceableProcFiles: readonly string[] = [
  '/proc/cpuinfo',
  '/proc/diskstats',
  '/proc/meminfo',
  '/proc/stat',
  '/proc/swaps',
  '/proc/uptime',
  '/proc/loadavg',
  '/proc/slabinfo',
  '/proc/sys/kernel/ns_last_pid',
  '/proc/sys/crypto/fips_enabled',
]

/** A mount there would cover the root file system that everything after it is to be found in. */
export const mountsAreBelowRoot: Rule = (config, report) => {
  config.mounts?.forEach(({ destination }, index) => {
    const at = ['mounts', index, 'destination']
    if (destination === '') report(at, 'must not be empty')
    else if (cleanPath(destination) === '/') report(at, 'must not be the root of the container')
  })
}

/** What reads or writes /proc must meet a real procfs: labels and sysctls are set there (CVE-2019-19921). */
export const procIsProcfs: Rule = (config, report) => {
  config.mounts?.forEach((mount, index) => {
    const destination = cleanPath(mount.destination)
    if (destination === '/proc' && mount.type !== 'proc' && !isBindMount(mount)) {
      report(['mounts', index, 'type'], 'must be proc, or the mount a bind of a procfs, at /proc')
    }
    if (destination.startsWith('/proc/') && !replaceableProcFiles.includes(destination)) {
      report(['mounts', index, 'destination'], `${JSON.stringify(destination)} is inside /proc`)
    }
  })
}

/** mount(2) ignores data with MS_BIND: what looks like a limit (`size=1m`) would have no effect. */
export const bindMountsHaveNoData: Rule = (config, report) => {
  config.mounts?.forEach((mount, index) => {
    if (!isBindMount(mount)) return
    mount.options?.forEach((option, at) => {
      if (isDataOption(option)) {
        report(
          ['mounts', index, 'options', at],
          `${JSON.stringify(option)} is not an option of bind mounts, they cannot have file system specific options`,
        )
      }
    })
  })
}

/** Only a bind mount, and a change of an earlier mount, is complete without a file system type. */
export const mountsHaveType: Rule = (config, report) => {
  config.mounts?.forEach((mount, index) => {
    if (mount.type === undefined && !isBindMount(mount) && !isRemount(mount))
      report(['mounts', index, 'type'], 'is missing')
  })
}

/** A bind mount has to be of something. */
export const bindMountsHaveSource: Rule = (config, report) => {
  config.mounts?.forEach((mount, index) => {
    if (mount.source === undefined && isBindMount(mount) && !isRemount(mount))
      report(['mounts', index, 'source'], 'is missing')
  })
}

function isRemount(mount: Mount): boolean {
  return (mount.options ?? []).includes('remount')
}
