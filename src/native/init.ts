/** Native: tsrun-init, started and talked with. */
import { native } from './addon.js'
import type { RecordOf } from './addon-types.js'

/** A frame from init. */
export type Frame = RecordOf<'frame'>
/** Arguments of `launch`. */
export type LaunchRequest = RecordOf<'launchRequest'>
/** What a launch gives back; the descriptors belong to the caller. */
export type Launched = RecordOf<'launched'>

/** Clones and starts `tsrun-init` with a plan. @throws SyscallError */
export const launch = (request: LaunchRequest): Launched => native().launch(request)

/** The next frame from init, null when it has closed its end, undefined when there is none yet. @throws SyscallError */
export function receive(socket: number, options: { wait: boolean }): Frame | null | undefined {
  const frame = native().receive(socket, options.wait)
  return frame?.type === 'end' ? null : frame
}

/** Answers a barrier, or starts a created container. @throws SyscallError */
export const sendGo = (fd: number): void => native().sendGo(fd)
