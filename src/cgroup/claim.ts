/** Cgroup: sees to it that of several that make or remove one cgroup at a time only one does. */
import { StatusError } from '../errors.js'
import { closeFile, lockFile, openFile, openFlag, sameFile } from '../native/binding.js'
import { unlessGone } from './files.js'

/** The error for a cgroup that a new container cannot have. */
export const unusable = (id: string, message: string): StatusError =>
  new StatusError(message, { id, operation: 'create', status: 'creating' })

/** Others that remove the directory between making and locking it: so often it is made again. */
const attempts = 10

/**
 * A lock on the directory of a cgroup, from before it is looked whether it is in use until there are processes in it.
 * Nobody else puts a container into it meanwhile, nor removes it.
 */
export class Claim {
  #fd = -1

  get held(): boolean {
    return this.#fd >= 0
  }

  /** Locks a directory; false when another has it, undefined when it is gone. @throws SyscallError */
  take(directory: string): boolean | undefined {
    const fd = unlessGone(() => openFile(directory, openFlag.read))
    if (fd === undefined) return undefined
    const taken = lockFile(fd, { wait: false })
    const there = taken && sameFile(`/proc/self/fd/${fd}`, directory)
    if (there) this.#fd = fd
    else closeFile(fd)
    return taken && !there ? undefined : there
  }

  /** Locks what `make` makes or finds. @returns what it returns @throws StatusError when another container has it */
  make(id: string, directory: string, make: () => boolean): boolean {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const made = make()
      const taken = this.take(directory)
      if (taken) return made
      if (taken === false) break
    }
    throw unusable(id, `another container is being made or removed in the cgroup ${directory}`)
  }

  release(): void {
    if (this.held) closeFile(this.#fd)
    this.#fd = -1
  }
}
