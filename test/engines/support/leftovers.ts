/** Test support: names of sandboxes, which tell whose they are, and the removal of what a sandbox has left. */
import { readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cgroupsWith, processesWith, type LiveProcess } from '../../helpers/leaks.js'
import { awaitProcess } from '../../helpers/peer.js'

/** When a process was started, in clock ticks since boot (proc(5)); undefined when there is none. */
function startTime(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
  } catch {
    return undefined
  }
}

/** Beginning of the names of this process's sandboxes: it says whose they are, also when that pid is used again. */
export function ownPrefix(): string {
  return `tsrun-engine-${process.pid.toString(36)}-${(startTime(process.pid) ?? 0).toString(36)}-`
}

/** Removes what tests that were killed have left: their processes, cgroups and folders. */
export function sweepDead(): void {
  for (const name of readdirSync(tmpdir())) {
    const [, pid = '', time = ''] = /^tsrun-engine-([0-9a-z]+)-([0-9a-z]+)-/.exec(name) ?? []
    if (pid !== '' && startTime(parseInt(pid, 36)) !== parseInt(time, 36)) sweep(name)
  }
}

/** Ends all processes of a sandbox; with them its namespaces go, and their mounts. Then removes the rest. */
export function sweep(word: string): void {
  // A shim has its name only in its arguments, what it started only in its cgroup: until nobody is left to fork.
  for (let found = processesWith(word); found.length > 0; found = processesWith(word)) {
    for (const { pid } of found) killIfAny(pid)
    for (const { pid } of found) awaitProcess(pid)
  }
  removeCgroups(word)
  rmSync(join(tmpdir(), word), { recursive: true, force: true })
}

/** Waits until there are no such processes any more; gives up on one that goes on, which is a leftover then. */
export function awaitAll(find: () => readonly LiveProcess[]): void {
  try {
    for (let found = find(); found.length > 0; found = find()) for (const { pid } of found) awaitProcess(pid)
  } catch {
    // the caller looks for what is left
  }
}

function killIfAny(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // it has ended by itself
  }
}

/** Names in a folder; none when it does not exist. */
export function entries(path: string, { folders = false }: { folders?: boolean } = {}): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => !folders || entry.isDirectory())
      .map(({ name }) => name)
  } catch {
    return []
  }
}

/** Removes empty cgroups from the leaves up; one that is in use stays. */
export function removeCgroups(word: string): void {
  const remove = (path: string): void => {
    for (const name of entries(path, { folders: true })) remove(join(path, name))
    try {
      rmdirSync(path)
    } catch {
      // somebody else's, or not there
    }
  }
  for (const path of cgroupsWith(word)) remove(path)
}
