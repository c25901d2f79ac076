/** Stage 2, plan: what each mount option of config.md means to the kernel; the words themselves are in config/vocabulary/mounts.ts. */
import { type AttributeEffect, attributeEffect, mountAttr, otherEffect } from '../config/vocabulary/mounts.js'

/** Bits to change: `clear` first, then `set`, as mount_setattr(2) does. */
export interface AttributeChange {
  readonly set: number
  readonly clear: number
}

/** The options of one mount, taken apart. */
export interface MountOptions {
  readonly attributes: AttributeChange
  /** For the mount and all mounts below it. */
  readonly recursive: AttributeChange
  readonly propagation: readonly number[]
  /** Options of the file system, in order. */
  readonly data: readonly string[]
  /** Flags that fsconfig(2) knows for every file system, in order; without effect on binds. */
  readonly flags: readonly string[]
  readonly legacyFlags: number
  readonly bind: 'bind' | 'rbind' | undefined
  readonly remount: boolean
  readonly copyUp: boolean
  /** Of a bind mount: the link itself is bound, or covered; or the source, if it is a link, is copied. */
  readonly links: Readonly<Record<'source' | 'destination' | 'copy', boolean>>
}

/**
 * Takes the options of one mount apart; of two that contradict each other the later one wins, but a
 * recursive bind stays one whatever comes behind it: engines append `bind` to what they are given.
 */
export function parseMountOptions(options: readonly string[]): MountOptions {
  const attributes: AttributeBits = { set: 0, clear: 0, atime: undefined }
  const recursive: AttributeBits = { set: 0, clear: 0, atime: undefined }
  const propagation: number[] = []
  const data: string[] = []
  const flags: string[] = []
  let legacyFlags = 0
  let bind: 'bind' | 'rbind' | undefined
  let remount = false
  let copyUp = false
  const links = { source: false, destination: false, copy: false }
  for (const option of options) {
    const attribute = attributeEffect(option)
    const other = otherEffect(option)
    if (attribute) apply(attribute.below ? recursive : attributes, attribute.effect)
    else if (other === undefined) data.push(...splitData(option))
    else {
      if (other.propagation !== undefined) propagation.push(other.propagation)
      if (other.flag !== undefined) flags.push(other.flag)
      if (other.link !== undefined) links[other.link] = true
      legacyFlags = (legacyFlags | (other.legacySet ?? 0)) & ~(other.legacyClear ?? 0)
      if (bind !== 'rbind') bind = other.bind ?? bind
      remount ||= other.remount === true
      copyUp ||= other.copyUp === true
    }
  }
  return {
    attributes: changeOf(attributes),
    recursive: changeOf(recursive),
    propagation,
    data,
    flags,
    legacyFlags,
    bind,
    remount,
    copyUp,
    links,
  }
}

/** Bits as the options arrive; kept apart from the access time, which is a field and not a bit. */
interface AttributeBits {
  set: number
  clear: number
  atime: number | undefined
}

function apply(bits: AttributeBits, effect: AttributeEffect): void {
  const { set = 0, clear = 0, atime, notAtime } = effect
  bits.set = (bits.set | set) & ~clear
  bits.clear = (bits.clear | clear) & ~set
  if (atime !== undefined) bits.atime = atime
  else if (notAtime !== undefined && (bits.atime ?? notAtime) === notAtime) bits.atime = 0
}

/** mount_setattr(2): a new access time is only accepted together with the whole field in `clear`. */
function changeOf({ set, clear, atime }: AttributeBits): AttributeChange {
  return atime === undefined ? { set, clear } : { set: set | atime, clear: clear | mountAttr.atime }
}

/** One entry may hold several options, except where a value has quotes or escaped commas (SELinux, overlay). */
function splitData(option: string): string[] {
  if (option.includes('"') || option.includes('\\')) return [option]
  return option.split(',').filter((part) => part !== '')
}
