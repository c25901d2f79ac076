/** Stage 4, launch: hands descriptors of the container to sockets of the caller. */
import { closeFile, connectSocket, sendDescriptor } from '../native/binding.js'

/**
 * Sends one descriptor with a text to a listening Unix stream socket: the console-socket, pidfd-socket
 * and seccomp listener protocols all look like this (runc docs/terminals.md, config-linux.md).
 * @throws SyscallError
 */
export function sendToSocket(socketPath: string, text: string, fd: number): void {
  const socket = connectSocket(socketPath, 'stream')
  try {
    sendDescriptor(socket, text, fd)
  } finally {
    closeFile(socket)
  }
}
