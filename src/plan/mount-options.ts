/** Stage 2, plan: what each mount option of config.md means to the kernel; words not in the tables are data. */
import { isIdMapOption } from '../config/mount-options.js'

/** MOUNT_ATTR_* of mount_setattr(2); `atime` is the mask of the field whose values precede it. */
export const mountAttr = {
  rdonly: 0x1,
  nosuid: 0x2,
  nodev: 0x4,
  noexec: 0x8,
  noatime: 0x10,
  strictatime: 0x20,
  atime: 0x70,
  nodiratime: 0x80,
  nosymfollow: 0x200000,
} as const

/** MS_* bits of mount(2) that change how changes propagate; MS_REC makes them recursive. */
export const propagationBit = {
  unbindable: 1 << 17,
  private: 1 << 18,
  slave: 1 << 19,
  shared: 1 << 20,
  recursive: 1 << 14,
} as const

/** MS_* bits that fsconfig(2) and mount_setattr(2) have no word for. */
export const legacyMountFlag = { silent: 1 << 15, iversion: 1 << 23 } as const

/** What one option does. The members of one entry are applied together. */
interface OptionEffect {
  /** Attribute bits to set, or to take back. */
  readonly set?: number
  readonly clear?: number
  /** Value of the access time field, or the value that the option takes back. */
  readonly atime?: number
  readonly notAtime?: number
  readonly propagation?: number
  /** Passed to the file system as is: a flag that fsconfig(2) knows for every file system. */
  readonly flag?: true
  readonly legacySet?: number
  readonly legacyClear?: number
  readonly bind?: 'bind' | 'rbind'
  readonly remount?: true
  readonly copyUp?: true
}

const { rdonly, nosuid, nodev, noexec, noatime, strictatime, nodiratime, nosymfollow } = mountAttr

/** Options that exist as `NAME` for one mount and as `rNAME` for all mounts below it. */
const attributeOptions: Readonly<Record<string, OptionEffect>> = {
  ro: { set: rdonly },
  rw: { clear: rdonly },
  nosuid: { set: nosuid },
  suid: { clear: nosuid },
  nodev: { set: nodev },
  dev: { clear: nodev },
  noexec: { set: noexec },
  exec: { clear: noexec },
  nodiratime: { set: nodiratime },
  diratime: { clear: nodiratime },
  nosymfollow: { set: nosymfollow },
  symfollow: { clear: nosymfollow },
  // relatime is the kernel's default and has the value 0, so taking it back changes nothing.
  relatime: { atime: 0 },
  norelatime: { notAtime: 0 },
  noatime: { atime: noatime },
  atime: { notAtime: noatime },
  strictatime: { atime: strictatime },
  nostrictatime: { notAtime: strictatime },
}

const otherOptions: Readonly<Record<string, OptionEffect>> = {
  defaults: {},
  bind: { bind: 'bind' },
  rbind: { bind: 'rbind' },
  remount: { remount: true },
  tmpcopyup: { copyUp: true },
  sync: { flag: true },
  async: { flag: true },
  dirsync: { flag: true },
  lazytime: { flag: true },
  nolazytime: { flag: true },
  mand: { flag: true },
  nomand: { flag: true },
  silent: { legacySet: legacyMountFlag.silent },
  loud: { legacyClear: legacyMountFlag.silent },
  iversion: { legacySet: legacyMountFlag.iversion },
  noiversion: { legacyClear: legacyMountFlag.iversion },
  shared: { propagation: propagationBit.shared },
  slave: { propagation: propagationBit.slave },
  private: { propagation: propagationBit.private },
  unbindable: { propagation: propagationBit.unbindable },
  rshared: { propagation: propagationBit.shared | propagationBit.recursive },
  rslave: { propagation: propagationBit.slave | propagationBit.recursive },
  rprivate: { propagation: propagationBit.private | propagationBit.recursive },
  runbindable: { propagation: propagationBit.unbindable | propagationBit.recursive },
}

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
}

/** Takes the options of one mount apart; of two that contradict each other the later one wins. */
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
  for (const option of options) {
    const own = ownEntry(attributeOptions, option)
    const below = option.startsWith('r') ? ownEntry(attributeOptions, option.slice(1)) : undefined
    const other = ownEntry(otherOptions, option)
    if (own) apply(attributes, own)
    else if (below) apply(recursive, below)
    else if (isIdMapOption(option))
      continue // id-map.ts of the config stage
    else if (other === undefined) data.push(...splitData(option))
    else {
      if (other.propagation !== undefined) propagation.push(other.propagation)
      if (other.flag) flags.push(option)
      legacyFlags = (legacyFlags | (other.legacySet ?? 0)) & ~(other.legacyClear ?? 0)
      bind = other.bind ?? bind
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
  }
}

/** Bits as the options arrive; kept apart from the access time, which is a field and not a bit. */
interface AttributeBits {
  set: number
  clear: number
  atime: number | undefined
}

function apply(bits: AttributeBits, effect: OptionEffect): void {
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

function ownEntry<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined
}
