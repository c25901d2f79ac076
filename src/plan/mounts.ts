/** Stage 2, plan: config.mounts as steps, in their order, and what must wait until the rootfs is complete. */
import { readAnnotations } from '../config/annotations.js'
import { cleanPath } from '../config/paths.js'
import type { Config, Mount } from '../config/types.js'
import { ConfigError, UnsupportedError } from '../errors.js'
import { planCgroupMount } from './cgroup-mount.js'
import { mountAttr } from '../config/vocabulary/mounts.js'
import { type MountOptions, parseMountOptions } from './mount-options.js'
import { sourceFields } from './sources.js'
import type { Step, StepOf } from './steps.js'
import type { CgroupPlan, HostFacts, SourcePlan } from './types.js'

/** What planMounts starts from. */
export interface MountInput {
  readonly config: Config
  readonly bundle: string
  readonly facts: HostFacts
  readonly cgroup: CgroupPlan
  /** True when the container has a cgroup namespace other than the runtime's. */
  readonly cgroupNamespace: boolean
  /** Init is not in the container's pid namespace yet: a proc file system must be told which it is for. */
  readonly outsidePidNamespace?: boolean
  /** What comes before those of the mounts. */
  readonly sources?: readonly SourcePlan[]
}

/** The mounts of one container. */
export interface MountPlan {
  readonly steps: readonly Step[]
  /** Read-only attributes to set after everything was made inside the mounts. */
  readonly finish: readonly Step[]
  /** What the parent opens for init. */
  readonly sources: readonly SourcePlan[]
  /** True when the container brings its own /dev, which is then left as it is (config.md, as runc). */
  readonly devIsBind: boolean
}

/**
 * File systems of the kernel's own: their superblock may be shared with the host, so read-only is a
 * matter of the mount alone.
 */
const kernelFilesystems: ReadonlySet<string> = new Set([
  ...['proc', 'sysfs', 'tmpfs', 'ramfs', 'devtmpfs', 'devpts', 'mqueue', 'hugetlbfs', 'bpf', 'binfmt_misc'],
  ...['securityfs', 'debugfs', 'tracefs', 'configfs', 'fusectl', 'pstore', 'efivarfs', 'selinuxfs', 'resctrl'],
])

/** File systems whose files have kernel-made labels; the SELinux context option is not for them. */
const unlabelledFilesystems: ReadonlySet<string> = new Set(['proc', 'sysfs'])

/**
 * Plans config.mounts (config.md "Mounts").
 *
 * @throws ConfigError for a bind mount of nothing, UnsupportedError for a remount that changes more than
 * attributes.
 */
export function planMounts(input: MountInput): MountPlan {
  const steps: Step[] = []
  const finish: Step[] = []
  const sources = [...(input.sources ?? [])]
  let devIsBind = false
  for (const [index, given] of (input.config.mounts ?? []).entries()) {
    // As the rules have judged it: init's own check of what lies in /proc goes by this name too.
    const mount = { ...given, destination: cleanPath(given.destination) }
    const options = parseMountOptions(mount.options ?? [])
    const bind = bindKind(mount, options)
    if (bind !== undefined && !options.remount && isDev(mount)) devIsBind = true
    planMount({ input, mount, options, bind, sources, pointer: `/mounts/${index}` }, steps, finish)
  }
  return { steps, finish, sources, devIsBind }
}

interface OneMount {
  readonly input: MountInput
  readonly mount: Mount
  readonly options: MountOptions
  readonly bind: 'bind' | 'rbind' | undefined
  /** Grows with each mount that the parent has a part in. */
  readonly sources: SourcePlan[]
  readonly pointer: string
}

function planMount(one: OneMount, steps: Step[], finish: Step[]): void {
  const { mount, options, bind } = one
  if (options.remount) {
    steps.push(...remountSteps(one))
    return
  }
  const late = delaysReadOnly(one)
  const attributes = late ? without(options.attributes, mountAttr.rdonly) : options.attributes
  const recursive = late ? without(options.recursive, mountAttr.rdonly) : options.recursive
  const firstOptions: MountOptions = { ...options, attributes, recursive }
  if (bind !== undefined) steps.push(bindStep(one, firstOptions, bind))
  else if (mount.type === 'cgroup' || mount.type === 'cgroup2')
    steps.push(planCgroupMount(mount, firstOptions, one.input))
  else steps.push(filesystemStep(one, firstOptions))
  if (!late) return
  const destination = mount.destination
  const readOnly = { op: 'mountAttributes', destination, attrSet: mountAttr.rdonly, attrClear: 0 } as const
  if (options.recursive.set & mountAttr.rdonly) finish.push({ ...readOnly, recursive: true })
  else if (options.attributes.set & mountAttr.rdonly) finish.push({ ...readOnly, recursive: false })
}

/** An option makes a bind mount whatever the type says (config.md); the type alone is taken at its word. */
function bindKind(mount: Mount, options: MountOptions): 'bind' | 'rbind' | undefined {
  if (options.bind !== undefined) return options.bind
  return mount.type === 'bind' ? mount.type : undefined
}

function isDev(mount: Mount): boolean {
  return mount.destination === '/dev'
}

/** Devices and mount points of later mounts are still to be made in a tmpfs and on /dev. */
function delaysReadOnly({ mount, bind }: OneMount): boolean {
  return isDev(mount) || (bind === undefined && mount.type === 'tmpfs')
}

function without(change: { set: number; clear: number }, bits: number): { set: number; clear: number } {
  return { set: change.set & ~bits, clear: change.clear }
}

function bindStep(one: OneMount, options: MountOptions, bind: 'bind' | 'rbind'): Step {
  const { input, mount, pointer } = one
  if (mount.source === undefined || mount.source === '') {
    throw ConfigError.from([{ pointer: `${pointer}/source`, message: 'a bind mount needs a source' }])
  }
  const source = mount.source.startsWith('/') ? mount.source : cleanPath(`${input.bundle}/${mount.source}`)
  const recursive = bind === 'rbind'
  const { links } = options
  const noFollow = links.source || links.copy
  return {
    op: 'mountBind',
    destination: mount.destination,
    source,
    recursive,
    noFollow,
    copyLink: links.copy,
    coverLink: links.destination,
    ...attributeFields(options),
    recursiveSet: options.recursive.set,
    recursiveClear: options.recursive.clear,
    propagation: options.propagation,
    ...sourceFields(one, { source, type: '', recursive, noFollow }),
  }
}

function filesystemStep(one: OneMount, options: MountOptions): StepOf<'mountFilesystem'> {
  const { input, mount } = one
  const type = mount.type ?? ''
  const readOnly = (options.attributes.set & mountAttr.rdonly) !== 0
  const superblock = readOnly && !kernelFilesystems.has(type) ? ['ro'] : []
  const processes = type === 'proc' && input.outsidePidNamespace ? ['pidns=/proc/self/ns/pid_for_children'] : []
  return {
    op: 'mountFilesystem',
    destination: mount.destination,
    type,
    source: mount.source ?? type,
    options: [...options.flags, ...options.data, ...superblock, ...processes],
    // A new mount has no attributes that could be cleared.
    attrSet: options.attributes.set,
    attrClear: 0,
    recursiveSet: options.recursive.set,
    recursiveClear: options.recursive.clear,
    propagation: options.propagation,
    legacyFlags: options.legacyFlags,
    copyUp: options.copyUp && type === 'tmpfs',
    label: labelOption(type, input.config),
    ...sourceFields(one, { source: '', type, recursive: false }),
  }
}

/** linux.mountLabel as the mount option that SELinux reads, without quotes. */
function labelOption(type: string, { linux, annotations }: Config): string {
  const label = linux?.mountLabel ?? ''
  if (label === '' || unlabelledFilesystems.has(type)) return ''
  return `${readAnnotations(annotations).mountContext}=${label}`
}

/** `remount` changes attributes of what is mounted there already; what the file system was given stays. */
function remountSteps({ mount, options, pointer }: OneMount): Step[] {
  if (options.data.length > 0 || options.flags.length > 0 || options.propagation.length > 0) {
    const words = [...options.data, ...options.flags].join(',') || 'propagation'
    throw new UnsupportedError('remount', `${pointer}/options: remount with ${words} is not supported`)
  }
  const { destination } = mount
  const steps: Step[] = []
  for (const recursive of [false, true]) {
    const change = recursive ? options.recursive : options.attributes
    if (change.set === 0 && change.clear === 0) continue
    steps.push({ op: 'mountAttributes', destination, attrSet: change.set, attrClear: change.clear, recursive })
  }
  return steps
}

function attributeFields(options: MountOptions): { attrSet: number; attrClear: number } {
  return { attrSet: options.attributes.set, attrClear: options.attributes.clear }
}
