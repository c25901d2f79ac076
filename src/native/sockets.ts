/** Native: Unix sockets: descriptors and bytes over them, and sd_notify(3). */
import { native } from './addon.js'
import type { NotifyRelay } from './processes.js'

/** Binds and listens on the start socket (mode 0600). @throws SyscallError */
export const listenStart = (path: string): number => native().listenStart(path)

/** Types of sockets (socket(2)); the same on all Linux ports but MIPS. */
const socketType = { stream: 1, datagram: 2, packets: 5 } as const

/** Connects to a Unix socket of this type. @throws SyscallError */
export const connectSocket = (path: string, type: keyof typeof socketType): number =>
  native().connectSocket(path, socketType[type])

/** Sends a text, with one descriptor unless `fd` is -1. @throws SyscallError */
export const sendDescriptor = (socket: number, text: string, fd: number): void =>
  native().sendDescriptor(socket, text, fd)

/** Sends all of some bytes. @throws SyscallError, EAGAIN when nobody has read for half a minute */
export const sendBytes = (socket: number, bytes: Uint8Array): void => native().sendBytes(socket, bytes)

/** At most `limit` bytes that have come: none at the end, undefined when there are none yet. @throws SyscallError */
export const receiveBytes = (socket: number, limit: number): Uint8Array | undefined =>
  native().receiveBytes(socket, limit)

/** The descriptor that comes with the next message, which stays to be received; -1: none. @throws SyscallError */
export const peekDescriptor = (socket: number): number => native().peekDescriptor(socket)

/** Binds a datagram socket that anybody may send to (mode 0777). @throws SyscallError */
export const listenNotify = (path: string): number => native().listenNotify(path)

/**
 * Hands READY on to the manager, with MAINPID when `pid` is above 0; then blocks until the manager has
 * taken notice, at most 30 seconds. False when the container has not said READY yet.
 */
export const forwardNotify = ({ fd, host }: NotifyRelay, pid: number): boolean => native().forwardNotify(fd, host, pid)
