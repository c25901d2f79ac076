/**
 * Stage 4, launch: opens mount sources that init may not open itself, through a helper: `tsrun-init` with a
 * plan of its own, in the container's mount namespace but with the runtime's rights. There it finds what
 * init would find, with the flags that a user namespace locks and the propagation as it is set.
 */
import { ProtocolError } from '../errors.js'
import { readMounts, type MountLine } from '../host/mountinfo.js'
import {
  closeFile,
  errnoName,
  hasErrno,
  realPath,
  sendDescriptor,
  sendGo,
  type Frame,
  type Launched,
} from '../native/binding.js'
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
   * mapped. Its mount namespace is entered by `pidfd`.
   * @throws SyscallError also of the helper's, ProtocolError
   */
  async give(number: number, mount: number, { pid, pidfd, sync }: Launched): Promise<void> {
    const source = this.#sources[number - 1]
    if (source === undefined) {
      if (mount >= 0) closeFile(mount)
      throw new ProtocolError(`init asked for an unknown source ${number}`)
    }
    const frame = await this.ask(number, mount, pidfd)
    if (frame.type !== 'source') {
      const reason = isMappingRefusal(frame) ? await this.#whyNotMapped(source, frame, { pid, pidfd }) : frame.detail
      const detail = `for ${JSON.stringify(source.destination)}${reason === '' ? '' : `: ${reason}`}`
      throw frameError({ ...frame, detail })
    }
    if (frame.fd < 0) sendGo(sync)
    else handOn(sync, 'g', frame.fd)
  }

  /** What the helper in the mount namespace of a process says to a question of init. */
  async ask(number: number, mount: number, pidfd: number): Promise<Frame> {
    const helper = (this.#helper ??= await this.#start(pidfd))
    handOn(helper.sync, String(number), mount)
    const frame = await this.#waiter.frame(helper.sync)
    if (frame === null) throw new ProtocolError('the helper that opens mount sources has ended')
    return frame
  }

  /** More than the kernel says, which is only EINVAL: which file system has no id-mapped mounts, and where. */
  async #whyNotMapped(source: SourcePlan, { errno }: Frame, init: { pid: number; pidfd: number }): Promise<string> {
    const error = errnoName(errno)
    if (error === 'EPERM') return 'it is id-mapped already, or this takes more rights over its file system'
    if (error !== 'EINVAL') return ''
    if (source.type !== '') return unmappable(source.type)
    try {
      return await this.#tryEach(trialsOf(source, readMounts(init.pid)), init.pidfd)
    } catch {
      return '' // the refusal is what is reported, with or without its reason
    }
  }

  async #tryEach(trials: readonly Trial[], pidfd: number): Promise<string> {
    for (const { type, point, source } of trials) {
      const helper = new SourceHelper([source], this.#waiter)
      try {
        const frame = await helper.ask(1, -1, pidfd)
        if (frame.fd >= 0) closeFile(frame.fd)
        if (isMappingRefusal(frame)) return unmappable(`${type} at ${point}`)
      } finally {
        await helper.close()
      }
    }
    return ''
  }

  #start(targetFd: number): Promise<Launched> {
    return startInit(this.#waiter, compileSources(this.#sources), undefined, { targetFd })
  }

  /** Ends the helper, if there is one. */
  async close(): Promise<void> {
    if (this.#helper === undefined) return
    const { sync, pidfd } = this.#helper
    closeFile(sync)
    await collectProcess(this.#waiter, pidfd)
  }
}

const isMappingRefusal = ({ type, syscall }: Frame): boolean =>
  type === 'failure' && syscall === 'mount_setattr(MOUNT_ATTR_IDMAP)'

const unmappable = (fileSystem: string): string =>
  `the file system ${fileSystem} cannot be id-mapped by this kernel: mount it without idmap, ` +
  'or keep the files on another file system such as ext4, xfs, btrfs or tmpfs'

/** A mount, and a source that is nothing but it. */
interface Trial extends MountLine {
  readonly source: SourcePlan
}

/** The source's own mount, and those below that are to be mapped with it. */
function trialsOf(source: SourcePlan, mounts: readonly MountLine[]): Trial[] {
  const { idMap } = source
  const path = realPath(source.source)
  const [own] = mounts
    .filter(({ point }) => point === path || isBelow(path, point))
    .reverse() // of several at one point the last one covers the others
    .sort((one, other) => other.point.length - one.point.length)
  if (idMap === undefined || own === undefined) return []
  const alone = { ...source, recursive: false, idMap: { ...idMap, recursive: false } }
  const below = idMap.recursive && source.recursive ? mounts.filter(({ point }) => isBelow(point, path)) : []
  return [{ ...own, source: alone }, ...below.map((one) => ({ ...one, source: { ...alone, source: one.point } }))]
}

const isBelow = (path: string, directory: string): boolean =>
  path.startsWith(directory.endsWith('/') ? directory : `${directory}/`)

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
