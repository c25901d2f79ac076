/** Stage 1, config: the mount options that are not data for a file system (config.md "Linux mount options"). */
import { attributeEffect, otherEffect } from './vocabulary/mounts.js'
import type { Mount } from './types.js'

/** True for a bind mount: by option, whatever the type says (config.md "Mounts"), or by the type `bind`. */
export function isBindMount(mount: Mount): boolean {
  return mount.type === 'bind' || (mount.options ?? []).some((option) => otherEffect(option)?.bind !== undefined)
}

/** True for an option that is data for the file system, such as `size=64k`. */
export function isDataOption(option: string): boolean {
  return attributeEffect(option) === undefined && otherEffect(option) === undefined
}

/** True for `idmap` and `ridmap`, with or without maps behind them (`idmap=uids=0-1-10`, see id-map.ts). */
export function isIdMapOption(option: string): boolean {
  return otherEffect(option)?.idMap === true
}
