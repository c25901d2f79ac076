/** Test helper: where the controllers of this host are, and the cgroups of a container. */
import { existsSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { cgroupMounts } from './leaks.js'
import type { Scope } from './scope.js'

/** A hierarchy of the host. */
export interface Hierarchy {
  readonly version: 1 | 2
  readonly mountPoint: string
}

const legacyNames: Readonly<Record<string, string>> = { io: 'blkio' }

function mounts(): { mountPoint: string; type: string; options: string[] }[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter(Boolean)
  return lines.map((line) => {
    const [before = '', after = ''] = line.split(' - ')
    const [type = '', , options = ''] = after.split(' ')
    return { mountPoint: before.split(' ')[4] ?? '', type, options: options.split(',') }
  })
}

/** Where a controller (by its name in cgroup v2) is, if the host has it. */
export function hierarchyOf(controller: string): Hierarchy | undefined {
  const legacy = mounts().find(
    ({ type, options }) => type === 'cgroup' && options.includes(legacyNames[controller] ?? controller),
  )
  if (legacy !== undefined) return { version: 1, mountPoint: legacy.mountPoint }
  const unified = mounts().find(({ type }) => type === 'cgroup2')
  if (unified === undefined) return undefined
  const controllers = readFileSync(join(unified.mountPoint, 'cgroup.controllers'), 'utf8').trim().split(' ')
  return controllers.includes(controller) ? { version: 2, mountPoint: unified.mountPoint } : undefined
}

/** The unified hierarchy's mount point. */
export const unifiedMount = (): string => mounts().find(({ type }) => type === 'cgroup2')?.mountPoint ?? ''

/** The cgroup directory of a live process in the hierarchy of a controller; `''` is the unified one. */
export function groupOf(pid: number, controller: string): string {
  const hierarchy = controller === '' ? { version: 2, mountPoint: unifiedMount() } : hierarchyOf(controller)
  if (hierarchy === undefined) throw new Error(`the host has no controller ${controller}`)
  for (const line of readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n')) {
    const [, names = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    const isIt =
      hierarchy.version === 2
        ? line.startsWith('0::')
        : names.split(',').includes(legacyNames[controller] ?? controller)
    if (isIt) return join(hierarchy.mountPoint, path)
  }
  throw new Error(`process ${pid} is in no cgroup of ${controller}`)
}

/** Path of a cgroup above those of several containers, which make it; it is removed at the end of the test. */
export function commonParent(scope: Scope): string {
  const parent = `/${scope.word}-parent`
  scope.defer(() => {
    for (const directory of cgroupMounts().map((mount) => join(mount, parent))) {
      if (existsSync(directory)) rmdirSync(directory)
    }
  })
  return parent
}

/** The content of a file in a cgroup, without blanks around it. */
export const readGroup = (group: string, file: string): string => readFileSync(join(group, file), 'utf8').trim()

/** `major:minor` of a block device of the host that limits can name, if there is one. */
export function blockDevice(): { major: number; minor: number } | undefined {
  for (const name of ['vda', 'sda', 'nvme0n1', 'ubda', 'loop0']) {
    const path = `/sys/block/${name}/dev`
    if (!existsSync(path)) continue
    const [major, minor] = readFileSync(path, 'utf8').trim().split(':').map(Number)
    return { major: major ?? 0, minor: minor ?? 0 }
  }
  return undefined
}
