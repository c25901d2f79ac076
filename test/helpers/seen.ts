/** Test helper: notes what limits have done, for docs/resources.md (scripts/resources-table.mjs). */
import { appendFileSync } from 'node:fs'
import { hierarchyOf } from './cgroups.js'

/** What a test has seen of one field of linux.resources. */
interface Seen {
  readonly field: string
  /** Its name in cgroup v2. */
  readonly controller: string
  /** File of the container's cgroup and what was read back from it. */
  readonly file?: string
  readonly value?: string
  /** What a process in the container noticed. */
  readonly effect?: string
}

/** Appends to the file that `RESOURCES_SEEN` names, if it does. */
export function noteSeen(seen: Seen): void {
  const file = process.env.RESOURCES_SEEN
  if (file === undefined || file === '') return
  const version = hierarchyOf(seen.controller)?.version
  appendFileSync(file, `${JSON.stringify({ ...seen, version })}\n`)
}
