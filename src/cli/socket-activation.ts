/** Command line: the descriptors that socket activation has given to this process (sd_listen_fds(3)). */
import { processIds } from '../native/binding.js'

/** How many descriptors from 3 on came with socket activation; 0 when the variables are meant for somebody else. */
export function countListenFds(): number {
  const { LISTEN_FDS: count = '', LISTEN_PID: pid = '' } = process.env
  return /^\d+$/.test(count) && pid === String(processIds().pid) ? Number(count) : 0
}
