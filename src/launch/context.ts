/** Stage 4, launch: what all operations of a Runtime have in common. */
import type { CgroupManager } from '../plan/types.js'
import type { Store } from '../state/store.js'
import type { Waiter } from '../native/wait.js'

/** Where and how a runtime makes its containers. */
export interface RuntimeContext {
  readonly store: Store
  readonly waiter: Waiter
  readonly onWarning: (message: string) => void
  /** Who makes the cgroups of new containers. */
  readonly cgroupManager: CgroupManager
  readonly rootless: boolean | 'auto'
  /** Takes over the listener of a seccomp filter whose `listenerPath` is `ownListener`. */
  readonly onListener?: (fd: number) => void
}
