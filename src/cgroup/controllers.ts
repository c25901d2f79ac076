/** Cgroup: gives a cgroup of the unified hierarchy its controllers, which all cgroups above it have to hand down (cgroups(7)). */
import { UnsupportedError } from '../errors.js'
import { errnoName, fileInfo, writeCgroup } from '../native/binding.js'
import type { ResourcePlan } from '../plan/resources/types.js'
import { parentOf, readGroup, unlessGone, wordsIn, writeGroup } from './files.js'

const subtreeControl = 'cgroup.subtree_control'

/**
 * Gives a directory all of `controllers`, and of `wanted` what can be had without a change for others: where a cgroup
 * above has processes of its own it can hand down only controllers of threads, which makes all below it cgroups of
 * threads. That is done only for `controllers`; then the directory becomes one too.
 * @returns what takes back the controllers that were handed down for it
 * @throws UnsupportedError when one of `controllers` cannot be had; then all is as it was
 */
export function enableControllers(directory: string, { controllers, wanted }: ResourcePlan): () => void {
  const changed: [directory: string, names: string][] = []
  const undo = (): void => {
    // Somebody else may use them by now: what does not work stays.
    for (const [ancestor, names] of changed.reverse()) writeControl(ancestor, names.replaceAll('+', '-'))
    changed.length = 0
  }
  const lacking = (names: readonly string[]): string[] => {
    if (names.length === 0) return []
    const present = wordsIn(directory, 'cgroup.controllers')
    return names.filter((name) => !present.includes(name))
  }
  const enableBelow = (ancestor: string, names: readonly string[]): string | undefined => {
    const enabled = wordsIn(ancestor, subtreeControl)
    const missing = wordsIn(ancestor, 'cgroup.controllers').filter(
      (one) => names.includes(one) && !enabled.includes(one),
    )
    if (missing.length === 0) return undefined
    const text = missing.map((name) => `+${name}`).join(' ')
    const refusal = writeControl(ancestor, text)
    if (refusal === undefined) changed.push([ancestor, text])
    return refusal
  }
  // Mostly it has them by what was handed down for another one.
  if (lacking([...controllers, ...wanted]).length === 0) {
    becomeThreaded(directory)
    return undo
  }
  let cause = ''
  for (const ancestor of ancestorsOf(directory)) {
    const refusal = enableBelow(ancestor, [...lacking(controllers), ...lacking(wanted)])
    if (refusal === undefined) continue
    // All of them or none: with processes (EBUSY) or threads (EOPNOTSUPP) of its own a part would change what it is.
    const isInner = refusal === 'EBUSY' || refusal === 'EOPNOTSUPP'
    const some = isInner ? [lacking(controllers)] : [...lacking(controllers), ...lacking(wanted)].map((name) => [name])
    const refused = some.filter((names) => enableBelow(ancestor, names) !== undefined)
    if (refused.length > 0) {
      cause = `${ancestor}/${subtreeControl} does not take ${refused.join(' ')}: the cgroup may have processes of its own`
    }
  }
  const [missing] = lacking(controllers)
  if (missing !== undefined) {
    undo()
    const message = `controller ${JSON.stringify(missing)} is not available: not in ${directory}/cgroup.controllers`
    throw new UnsupportedError(`cgroup controller ${missing}`, cause === '' ? message : `${message} (${cause})`)
  }
  becomeThreaded(directory)
  return undo
}

/** Writes to cgroup.subtree_control. @returns the name of the errno that it is refused with */
function writeControl(directory: string, text: string): string | undefined {
  const rejected = unlessGone(() => writeCgroup(directory, [[subtreeControl, text]]))
  return rejected === undefined ? undefined : errnoName(rejected.errno)
}

/** The cgroups above one, the topmost first. */
function ancestorsOf(directory: string): string[] {
  const parent = parentOf(directory)
  return fileInfo(`${parent}/${subtreeControl}`) === undefined ? [] : [...ancestorsOf(parent), parent]
}

/** Below a cgroup of threads no other kind takes processes: `domain invalid` (cgroup-v2.rst "Threads"). */
function becomeThreaded(directory: string): void {
  if (readGroup(directory, 'cgroup.type')?.trim() !== 'domain invalid') return
  becomeThreaded(parentOf(directory))
  writeGroup(directory, 'cgroup.type', 'threaded')
}
