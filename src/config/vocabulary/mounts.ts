/**
 * Stage 1, config: the mount options of the spec (config.md "Linux mount options"), by what each does.
 * Any other word is data for the file system.
 */

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

/** The names of `linux.rootfsPropagation`, which are mount options too, and their MS_* bits. */
export const propagation = {
  private: propagationBit.private,
  shared: propagationBit.shared,
  slave: propagationBit.slave,
  unbindable: propagationBit.unbindable,
  rprivate: propagationBit.private | propagationBit.recursive,
  rshared: propagationBit.shared | propagationBit.recursive,
  rslave: propagationBit.slave | propagationBit.recursive,
  runbindable: propagationBit.unbindable | propagationBit.recursive,
} as const

/** What an option does to the attributes of a mount. The members of one entry are applied together. */
export interface AttributeEffect {
  /** Attribute bits to set, or to take back. */
  readonly set?: number
  readonly clear?: number
  /** Value of the access time field, or the value that the option takes back. */
  readonly atime?: number
  readonly notAtime?: number
}

/** What any other option does; one without a member does nothing. */
export interface OptionEffect {
  readonly propagation?: number
  /** Passed to the file system: a flag that fsconfig(2) knows for every file system. */
  readonly flag?: string
  readonly legacySet?: number
  readonly legacyClear?: number
  readonly bind?: 'bind' | 'rbind'
  readonly remount?: true
  readonly copyUp?: true
  /** Of a bind mount: what a symbolic link at an end of it means. */
  readonly link?: 'source' | 'destination' | 'copy'
  /** The ids of the mount are mapped: see id-map.ts. May have maps behind it (`idmap=uids=0-1-10`). */
  readonly idMap?: true
}

const { rdonly, nosuid, nodev, noexec, noatime, strictatime, nodiratime, nosymfollow } = mountAttr

/** Options that exist as `NAME` for one mount and as `rNAME` for all mounts below it. */
export const attributeOptions: Readonly<Record<string, AttributeEffect>> = {
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

const recursiveFlags = ['sync', 'async', 'dirsync', 'mand', 'nomand'] as const
const fileSystemFlags = [...recursiveFlags, 'lazytime', 'nolazytime'] as const

/** All other options. The empty one is what engines leave of an option that has no value. */
export const otherOptions: Readonly<Record<string, OptionEffect>> = {
  '': {},
  defaults: {},
  bind: { bind: 'bind' },
  rbind: { bind: 'rbind' },
  remount: { remount: true },
  tmpcopyup: { copyUp: true },
  idmap: { idMap: true },
  ridmap: { idMap: true },
  ...Object.fromEntries(fileSystemFlags.map((name) => [name, { flag: name }])),
  // For mounts below, the kernel has no such flags: as with crun they are those of the mount itself.
  ...Object.fromEntries(recursiveFlags.map((name) => [`r${name}`, { flag: name }])),
  'src-nofollow': { link: 'source' },
  'dest-nofollow': { link: 'destination' },
  'copy-symlink': { link: 'copy' },
  silent: { legacySet: legacyMountFlag.silent },
  loud: { legacyClear: legacyMountFlag.silent },
  iversion: { legacySet: legacyMountFlag.iversion },
  noiversion: { legacyClear: legacyMountFlag.iversion },
  ...Object.fromEntries(Object.entries(propagation).map(([name, bits]) => [name, { propagation: bits }])),
}

/** Every option of the spec, and of the peers. */
export const mountOptionNames = (): readonly string[] => [
  ...Object.keys(attributeOptions).flatMap((name) => [name, `r${name}`]),
  ...Object.keys(otherOptions).filter(Boolean),
]

/** What an option does that is none of attributes; undefined for these, and for data. */
export function otherEffect(option: string): OptionEffect | undefined {
  if (Object.hasOwn(otherOptions, option)) return otherOptions[option]
  return option.startsWith('idmap=') || option.startsWith('ridmap=') ? otherOptions.idmap : undefined
}

/** What an option does to attributes, of the mount itself or of all those below; undefined for others. */
export function attributeEffect(
  option: string,
): { readonly below: boolean; readonly effect: AttributeEffect } | undefined {
  const own = Object.hasOwn(attributeOptions, option) ? attributeOptions[option] : undefined
  if (own !== undefined) return { below: false, effect: own }
  const name = option.slice(1)
  const effect = option.startsWith('r') && Object.hasOwn(attributeOptions, name) ? attributeOptions[name] : undefined
  return effect && { below: true, effect }
}
