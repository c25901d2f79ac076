/**
 * Stage 4, launch: opens mount sources that init may not open itself, through a helper: `tsrun-init` with a
 * plan of its own, in the container's mount namespace but with the runtime's rights. There it finds what
 * init would find, with the flags that a user namespace locks and the propagation as it is set.
 */
import { ProtocolError } from '../errors.js'
import { closeFile, hasErrno, sendGo, sendDescriptor, type Launched } from '../native/binding.js'
import { compileSources } from '../plan/sources.js'
import type { SourcePlan } from '../plan/types.js'
import { frameError } from './protocol.js'
import { startInit } from '../native/start-init.js'
import { collectProcess, type Waiter } from '../native/wait.js'

/** Starts the helper for the first source that init asks for. */
export class SourceHelper {
  readonly #sources: readonly SourcePlan[]
  readonly #waiter: Waiter
  #helper: Launched | undefined

  constructor(sources: readonly SourcePlan[], waiter: Waiter) {
    this.#sources = sources
    this.#waiter = waiter
  }

  /**
   * Answers init on its sync socket: with the mount of a source, or when the `mount` that init has made is
   * mapped. `pidfd` is init's, whose mount namespace is entered.
   * @throws SyscallError also of the helper's, ProtocolError
   */
  async give(number: number, mount: number, { pidfd, sync }: { pidfd: number; sync: number }): Promise<void> {
    const source = this.#sources[number - 1]
    if (source === undefined) {
      if (mount >= 0) closeFile(mount)
      throw new ProtocolError(`init asked for an unknown source ${number}`)
    }
    const helper = (this.#helper ??= startInit(compileSources(this.#sources), undefined, { targetFd: pidfd }))
    handOn(helper.sync, String(number), mount)
    const frame = await this.#waiter.frame(helper.sync)
    if (frame === null) throw new ProtocolError('the helper that opens mount sources has ended')
    if (frame.type !== 'source') {
      const detail = frame.detail === '' ? '' : `: ${frame.detail}`
      throw frameError({ ...frame, detail: `for ${JSON.stringify(source.destination)}${detail}` })
    }
    if (frame.fd < 0) sendGo(sync)
    else handOn(sync, 'g', frame.fd)
  }

  /** Ends the helper, if there is one. */
  async close(): Promise<void> {
    if (this.#helper === undefined) return
    const { sync, pidfd } = this.#helper
    closeFile(sync)
    await collectProcess(this.#waiter, pidfd)
  }
}

/** Sends a descriptor, or -1 for none, and forgets it. What the other side has died of is still to be read there. */
function handOn(socket: number, text: string, fd: number): void {
  try {
    sendDescriptor(socket, text, fd)
  } catch (error) {
    if (!hasErrno(error, 'EPIPE') && !hasErrno(error, 'ECONNRESET')) throw error
  } finally {
    if (fd >= 0) closeFile(fd)
  }
}
