/** Test helper: what systemctl says of units, and containers in scopes of the system's systemd. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Test } from 'tap'
import { hierarchyOf, unifiedMount } from './cgroups.js'
import type { Change } from './config.js'
import type { Container } from './container.js'
import type { Scope } from './scope.js'

/** Properties by name, from the output of `systemctl show -p`. */
export const unitProperties = (shown: string): Record<string, string> =>
  Object.fromEntries(
    shown
      .split('\n')
      .filter(Boolean)
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )

/** Properties of a unit of the system. */
export const show = (unit: string, ...names: string[]): Record<string, string> =>
  unitProperties(spawnSync('systemctl', ['show', unit, '-p', names.join(',')], { encoding: 'utf8' }).stdout)

/** Has systemd read its units again, and returns when it has carried out what follows from that. */
export function reloadUnits(): void {
  spawnSync('systemctl', ['daemon-reload'])
  show('system.slice', 'Id')
}

/** What has systemd make the cgroups. */
export const globals = { globals: ['--systemd-cgroup'] } as const

/** A container that waits to be killed. */
export function sleeper(scope: Scope, change?: Change): Container {
  return scope.container((config) => {
    config.process.args = ['/bin/sleep', '1000']
    change?.(config)
  })
}

/** `create`, with systemd. */
export function create(t: Test, container: Container): void {
  const { status, stderr } = container.create([], globals)
  t.equal(status, 0, 'create succeeds')
  t.equal(stderr, '')
}

/** The directory of a unit in the hierarchy by which systemd tracks it. */
export function directoryOf(unit: string, slice = 'system.slice'): string {
  const mountPoint = unifiedMount() || hierarchyOf('name=systemd')?.mountPoint
  return `${mountPoint}/${slice}/${unit}`
}

/** Lines of /proc/PID/cgroup, without their numbers, sorted. */
export const cgroupsOf = (pid: number | 'self'): string[] =>
  readFileSync(`/proc/${pid}/cgroup`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.replace(/^\d+:/, ''))
    .sort()

/** The same for a process that is at this place in every hierarchy of the host. */
export const everywhereAt = (path: string): string[] =>
  cgroupsOf('self').map((line) => line.replace(/:.*$/, `:${path}`))
