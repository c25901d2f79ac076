/** Stage 4, launch: the files of a container as its processes see them, from outside and by descriptors only. */
import type { Config, Mount } from '../config/types.js'
import { lookBelow, type LookedAt, readBelow } from '../native/binding.js'

/** Bytes of a file from an offset on; undefined where it cannot be read. */
export type Bytes = (offset: number, size: number) => Uint8Array | undefined

/** Where a path of the container is on the host. */
interface Place {
  readonly root: string
  readonly path: string
  readonly mount?: Mount
}

/** How a path is looked up: `root` is a rootfs with the mounts that are to come, or that of a process with all of them. */
export class View {
  readonly #root: string
  readonly #bundle: string
  readonly #mounts: readonly Mount[]

  private constructor(root: string, bundle: string, mounts: readonly Mount[]) {
    this.#root = root
    this.#bundle = bundle
    this.#mounts = mounts
  }

  /** What a process sees now. */
  static ofProcess = (pid: number): View => new View(`/proc/${pid}/root`, '/', [])

  /** What a container's process will see, as far as the host can tell: the rootfs and what is bound into it. */
  static ofConfig = (rootfs: string, bundle: string, config: Config): View =>
    new View(rootfs, bundle, config.mounts ?? [])

  /** What is there, links followed; undefined where nothing is or nothing can be known. */
  look(path: string): LookedAt | undefined {
    const place = this.#placeOf(path)
    const found = place && lookBelow(place.root, place.path)
    if (found === undefined) return undefined
    const options = place?.mount?.options ?? []
    const [denied, allowed] = [options.lastIndexOf('noexec'), options.lastIndexOf('exec')]
    const noexec = denied === allowed ? found.noexec : denied > allowed
    return { ...found, noexec, place: place?.mount === undefined ? found.place : path }
  }

  /** How to read a file. */
  reader(path: string): Bytes {
    const place = this.#placeOf(path)
    return (offset, size) => (place === undefined ? undefined : readBelow(place.root, place.path, offset, size))
  }

  /** The destination of the mount that a path lies on; undefined: the rootfs. */
  mountOf = (path: string): string | undefined => this.#placeOf(path)?.mount?.destination

  #placeOf(path: string): Place | undefined {
    const lies = ({ destination }: Mount): boolean =>
      destination !== '/' && (path === destination || path.startsWith(`${destination}/`))
    const mount = this.#mounts.findLast(lies)
    if (mount === undefined) return { root: this.#root, path }
    const bound = mount.options?.some((option) => option === 'bind' || option === 'rbind')
    if (!bound || mount.source === undefined) return undefined
    const source = mount.source.startsWith('/') ? mount.source : `${this.#bundle}/${mount.source}`
    const rest = path.slice(mount.destination.length)
    if (rest !== '') return { root: source, path: rest, mount }
    const cut = source.lastIndexOf('/')
    return { root: source.slice(0, cut) || '/', path: source.slice(cut + 1), mount }
  }
}
