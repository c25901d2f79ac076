/** Test helper: sources of id-mapped mounts, and what becomes of their owners. */
import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestMount } from './config.js'
import { tried, type Report } from './probe.js'
import type { Scope } from './scope.js'

/** Below /dev, whose tmpfs the root of every user namespace may change. */
export const destination = '/dev/data'

/** A directory for everybody, with a file of root and one of user 5 and group 6. */
export function makeSource(scope: Scope, name = 'source'): string {
  const path = scope.path(name)
  mkdirSync(path)
  chmodSync(path, 0o777)
  fill(path)
  return path
}

/** Makes those two files. */
export function fill(path: string): void {
  for (const [name, uid, gid] of [
    ['root', 0, 0],
    ['other', 5, 6],
  ] as const) {
    writeFileSync(join(path, name), '')
    chownSync(join(path, name), uid, gid)
  }
}

/** A bind mount at `destination`, unless the members say otherwise. */
export const bind = (source: string, members: Partial<TestMount> = {}): TestMount => ({
  destination,
  type: 'bind',
  source,
  ...members,
})

/** Owner and group of a file on the host. */
export const owners = (path: string): [number, number] => [statSync(path).uid, statSync(path).gid]

/** Owner and group of a file as the probe has seen them. */
export function seen(report: Report, path: string): [number | undefined, number | undefined] {
  const { uid, gid } = tried(report, `stat ${path}`)
  return [uid, gid]
}

/** Ranges for both kinds of ids. */
export const both = (...ranges: [containerID: number, hostID: number, size: number][]) => {
  const mappings = ranges.map(([containerID, hostID, size]) => ({ containerID, hostID, size }))
  return { uidMappings: mappings, gidMappings: mappings }
}
