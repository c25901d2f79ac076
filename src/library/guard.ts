/** Library: ends a container with the thread that has made it, however that ends. */
import { closeFile, openFile, openFlag } from '../native/binding.js'
import { startInit } from '../native/start-init.js'
import { helperPlan } from '../plan/helper.js'
import { Child } from './children.js'
import { eventWaiter } from './waiter.js'

/** In a session of its own: what a terminal sends to this program is not for the guard. */
const plan = helperPlan([{ op: 'newSession' }, { op: 'guard' }])

/** A process that outlives this program, and kills the process of a pidfd then. @returns ends it @throws SyscallError */
export async function guard(pidfd: number): Promise<() => void> {
  const nothing = openFile('/dev/null', openFlag.read)
  try {
    const inheritance = { targetFd: pidfd, stdio: [nothing, nothing, nothing] } as const
    const { pid, pidfd: own, sync } = await startInit(eventWaiter, plan, undefined, inheritance)
    new Child(pid, own, { own: true })
    return () => closeFile(sync)
  } finally {
    closeFile(nothing)
  }
}
