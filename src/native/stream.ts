/** Bytes over a stream socket (unix(7)). */
import { addon } from './addon.js'
import { native } from './binding.js'

/** Sends all of some bytes. @throws SyscallError, EAGAIN when nobody has read for half a minute */
export const sendBytes = (socket: number, bytes: Uint8Array): void => native(() => addon().sendBytes(socket, bytes))

/** At most `limit` bytes that have come: none at the end, undefined when there are none yet. @throws SyscallError */
export const receiveBytes = (socket: number, limit: number): Uint8Array | undefined =>
  native(() => addon().receiveBytes(socket, limit))
