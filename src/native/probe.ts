/** Native: tries what the kernel offers; in a child that ends at once, so that nothing of it stays. */
import { native } from './addon.js'
import type { enumTable } from './addon-records.js'

/** What can be tried. */
export type ProbeName = (typeof enumTable.probeName)[number]

/** Errno of the attempt; 0: it works. `path`: the directory for an id-mapped mount. @throws SyscallError */
export const probe = (what: ProbeName, path = '/'): number => native().probe(what, path)

/** Release and machine of the kernel, as `uname -rm` prints them. */
export const kernelRelease = (): string => native().kernelRelease()

/** Microseconds since 1970, by the clock that init's stamps have too. */
export const microseconds = (): number => native().microseconds()
