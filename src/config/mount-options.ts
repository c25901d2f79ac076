/** Stage 1, config: the mount options that are not data for a file system (config.md "Linux mount options"). */
import type { Mount } from './types.js'

/** Every option of the spec's table, by what it changes; any other word is data for the file system. */
export const mountOptionNames = {
  bind: ['bind', 'rbind'],
  flags: [
    ...['async', 'atime', 'defaults', 'dev', 'diratime', 'dirsync', 'exec', 'iversion', 'lazytime', 'loud', 'mand'],
    ...['noatime', 'nodev', 'nodiratime', 'noexec', 'noiversion', 'nolazytime', 'nomand', 'norelatime'],
    ...['nostrictatime', 'nosuid', 'nosymfollow', 'relatime', 'remount', 'ro', 'rw', 'silent', 'strictatime', 'suid'],
    ...['symfollow', 'sync'],
  ],
  recursive: [
    ...['ratime', 'rdev', 'rdiratime', 'rexec', 'rnoatime', 'rnodev', 'rnodiratime', 'rnoexec', 'rnorelatime'],
    ...['rnostrictatime', 'rnosuid', 'rnosymfollow', 'rrelatime', 'rro', 'rrw', 'rstrictatime', 'rsuid', 'rsymfollow'],
  ],
  propagation: ['private', 'shared', 'slave', 'unbindable', 'rprivate', 'rshared', 'rslave', 'runbindable'],
  copyUp: ['tmpcopyup'],
  idMapped: ['idmap', 'ridmap'],
} as const satisfies Readonly<Record<string, readonly string[]>>

/** A word of the table. */
export type MountOptionName = (typeof mountOptionNames)[keyof typeof mountOptionNames][number]

const bindOptions: readonly string[] = mountOptionNames.bind
const idMapOptions: readonly string[] = mountOptionNames.idMapped
const knownOptions: readonly string[] = Object.values(mountOptionNames).flat()

/** True for a bind mount: by option, whatever the type says (config.md "Mounts"), or by the type `bind`. */
export function isBindMount(mount: Mount): boolean {
  return mount.type === 'bind' || (mount.options ?? []).some((option) => bindOptions.includes(option))
}

/** True for an option that is data for the file system, such as `size=64k`. */
export function isDataOption(option: string): boolean {
  return !knownOptions.includes(option) && !isIdMapOption(option)
}

/** True for `idmap` and `ridmap`, with or without maps behind them (`idmap=uids=0-1-10`, see id-map.ts). */
export function isIdMapOption(option: string): boolean {
  return idMapOptions.includes(option.split('=', 1)[0] ?? '')
}
