/** Test helper: cgroups that belong to an ordinary user. */
import { chownSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hierarchyOf, unifiedMount, type Hierarchy } from './cgroups.js'
import type { Scope } from './scope.js'
import { User, type UserOptions } from './user.js'

const uid = 54321

/**
 * A user to whom root has given a directory in the hierarchies of these controllers (`''`: the unified one,
 * whatever its controllers), and whose processes live there: in cgroup v2 in a child, beside which the
 * containers will be, in cgroup v1 in the directory itself, below which they will be.
 */
export function delegated(scope: Scope, controllers: readonly string[], options: UserOptions = {}): User {
  const moves: string[] = []
  for (const controller of controllers) {
    const unified = { version: 2, mountPoint: unifiedMount() } as const
    const hierarchy = controller === '' ? unified : hierarchyOf(controller)
    if (hierarchy === undefined) throw new Error(`the host has no controller ${controller}`)
    moves.push(`echo $$ > ${delegate(scope, hierarchy, controller)}/cgroup.procs`)
  }
  return new User(scope, { ...options, prepare: [...moves, ...(options.prepare ?? [])] })
}

/** The directory in which the user's processes live. */
function delegate(scope: Scope, { version, mountPoint }: Hierarchy, controller: string): string {
  const directory = join(mountPoint, `${scope.word}-delegated`)
  const home = version === 2 ? join(directory, 'home') : directory
  if (existsSync(home)) return home
  if (version === 2 && controller !== '') enable(mountPoint, controller)
  for (const path of new Set([directory, home])) {
    mkdirSync(path)
    scope.defer(() => rmdirSync(path))
    chownSync(path, uid, uid)
    for (const file of ['cgroup.procs', 'cgroup.threads', 'cgroup.subtree_control', 'tasks']) {
      if (existsSync(join(path, file))) chownSync(join(path, file), uid, uid)
    }
  }
  return home
}

function enable(directory: string, controller: string): void {
  const path = join(directory, 'cgroup.subtree_control')
  if (!readFileSync(path, 'utf8').split(/\s/).includes(controller)) writeFileSync(path, `+${controller}`)
}
