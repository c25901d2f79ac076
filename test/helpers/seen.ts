/** Test helper: notes what limits have done, for docs/resources.md (scripts/resources-table.mjs). */
import { appendFileSync } from 'node:fs'
import { requires } from './requires.js'

/** What a test has seen of one field of linux.resources. */
interface Seen {
  readonly field: string
  /** Name of the controller in cgroup v2, where that has it. */
  readonly controller: string
  /** File of the container's cgroup and what was read back from it. */
  readonly file?: string
  readonly value?: string
  /** What a process in the container noticed, or what the kernel counted. */
  readonly effect?: string
  /** What was said instead of obeying it. */
  readonly refusal?: string
  /** What was said although the container was made. */
  readonly warning?: string
  /** True for a hierarchy of cgroup v1 that the test itself has mounted. */
  readonly legacyMount?: true
}

/** Appends to the file that `RESOURCES_SEEN` names, if it does. */
export function noteSeen(seen: Seen): void {
  const file = process.env.RESOURCES_SEEN
  if (file === undefined || file === '') return
  const host = requires('cgroup-v2') === false ? 'v2' : 'hybrid'
  appendFileSync(file, `${JSON.stringify({ ...seen, host })}\n`)
}

/** What a command has said, without the names that only this run has. */
export function firstLine(stderr: string): string {
  const [line = ''] = stderr.split('\n')
  return line
    .replace(/^tsrun( create failed)?: (unable to start container process: )?/, '')
    .replace(/"\/[^"]*\/tsrun-test-[^/"]*/g, '"…/ID')
}
