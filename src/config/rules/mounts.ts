/** Stage 1, config: rules for `mounts`. Destinations are judged lexically; init checks again what they resolve to. */
import { isBindMount, isDataOption } from '../mount-options.js'
import { cleanPath } from '../paths.js'
import type { Mount } from '../types.js'
import { otherEffect } from '../vocabulary/mounts.js'
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

/** What shows something of the kernel is no root file system. */
const notForRoot: ReadonlySet<string> = new Set(['cgroup', 'cgroup2', 'proc', 'sysfs', 'mqueue', 'devpts'])

/** A mount at `/` becomes the root that everything after it is to be found in. */
export const mountsHaveDestinations: Rule = (config, report) => {
  config.mounts?.forEach((mount, index) => {
    const { destination, type } = mount
    if (destination === '') report(['mounts', index, 'destination'], 'must not be empty')
    else if (cleanPath(destination) === '/' && notForRoot.has(type ?? '') && !isBindMount(mount))
      report(['mounts', index, 'destination'], `${type} must not be the root of the container`)
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

/** crun's options about symbolic links are for bind mounts, and a link is copied, or what it is bound to is one. */
export const linkOptionsAreForBinds: Rule = (config, report) => {
  config.mounts?.forEach((mount, index) => {
    const links = (mount.options ?? []).flatMap((option, at) => (otherEffect(option)?.link ? [{ option, at }] : []))
    const [first] = links
    if (first === undefined) return
    const at = ['mounts', index, 'options', first.at]
    if (!isBindMount(mount) || isRemount(mount)) report(at, `"${first.option}" is an option of bind mounts`)
    else if (links.length > 1 && links.some(({ option }) => option === 'copy-symlink'))
      report(at, `"copy-symlink" leaves nothing for ${JSON.stringify(other(links))} to be about`)
  })
}

const other = (links: readonly { readonly option: string }[]): string =>
  links.find(({ option }) => option !== 'copy-symlink')?.option ?? 'copy-symlink'

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
