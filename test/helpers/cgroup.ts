/** Test helper: cgroups of a process, and runtimes that see only cgroup v1. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cgroupMounts } from './leaks.js'
import { runtimeCommand } from './requires.js'
import type { Result } from './runtime.js'
import type { Scope } from './scope.js'

/** Mount point of the unified hierarchy. */
export const unifiedMount = (): string =>
  cgroupMounts().find((path) => existsSync(join(path, 'cgroup.procs')) && isUnified(path)) ?? ''

const isUnified = (path: string): boolean => existsSync(join(path, 'cgroup.controllers'))

/** Directory of a process in the unified hierarchy. */
export function unifiedCgroup(pid: number): string {
  const path = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? ''
  return join(unifiedMount(), path)
}

/** Runs the runtime where the unified hierarchy is not mounted, as on a host that has only cgroup v1. */
export function runOnlyV1(scope: Scope, args: readonly string[]): Result {
  const script = 'umount "$0" && exec "$@"'
  const command = [...runtimeCommand(), '--root', scope.root, ...args]
  return scope.runner.runProgram('unshare', ['--mount', 'sh', '-c', script, unifiedMount(), ...command])
}
