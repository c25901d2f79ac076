/** Stage 4, launch: gives the standard streams to the user of a container that has a user namespace. */
import type { Config, Process } from '../config/types.js'
import { idMapOf } from '../host/facts.js'
import { ownStreams } from '../native/binding.js'

/**
 * Init has no rights over pipes that were made outside of its user namespace, and who does not own a pipe cannot open
 * it again as /dev/stdout. So the runtime does it, before the program of `init` runs. @throws SyscallError
 */
export function giveStreams(
  { linux }: Config,
  { terminal, user }: Process,
  init: number,
  stdio: readonly number[] = [0, 1, 2],
): void {
  if (terminal === true || !linux?.namespaces?.some(({ type }) => type === 'user')) return
  const uid = user?.uid ?? 0
  const mapping = idMapOf(init, 'uid').find(({ containerID, size }) => uid >= containerID && uid < containerID + size)
  if (mapping !== undefined) ownStreams(stdio, mapping.hostID + uid - mapping.containerID)
}
