/** Host: facts that a program which asks again and again keeps; a command asks once. */

/** Whether mounts have changed since it was asked last. */
let mountsChanged: (() => boolean) | undefined

/** How often they have. */
let changes = 0

/** From now on facts are kept; those about mounts until `changed` says that there are others. */
export function keepFacts(changed: () => boolean): void {
  mountsChanged = changed
}

/** A fact that stays as it is as long as this process lives. */
export function lasting<T>(find: () => T): () => T {
  let found: { readonly fact: T } | undefined
  return () => (mountsChanged === undefined ? find() : (found ??= { fact: find() }).fact)
}

/** A fact that stays as it is as long as nothing is mounted or unmounted. */
export function untilMounts<T>(find: () => T): () => T {
  let found: { readonly fact: T; readonly at: number } | undefined
  return () => {
    if (mountsChanged === undefined) return find()
    // Asked before they are read: what changes meanwhile is heard of the next time.
    if (mountsChanged()) changes++
    if (found?.at !== changes) found = { at: changes, fact: find() }
    return found.fact
  }
}
