/** Stage 3, state: the state directory below --root; one directory per container, locked while it changes. */
import { ExistsError, NotFoundError, StoreError, UsageError } from '../errors.js'
import {
  closeFile,
  compileSeccomp,
  fileInfo,
  hasErrno,
  listDirectory,
  lockFile,
  makeDirectory,
  openFile,
  openFlag,
  readRegularFile,
  removeDirectory,
  removeFile,
  replaceFile,
  sameFile,
} from '../native/binding.js'
import type { SeccompRequest } from '../plan/seccomp.js'
import { parseRecord, type StateRecord } from './record.js'

/** A container id that has passed `parseContainerId`. */
export type ContainerId = string & { readonly brand: 'ContainerId' }

/** runc's characters; a leading dot would be invisible and collide with temporary files. @throws UsageError */
export function parseContainerId(id: string): ContainerId {
  if (typeof id !== 'string' || !/^[\w+-][\w+.-]{0,1023}$/.test(id)) {
    throw new UsageError(`invalid container ID format: ${JSON.stringify(id)} (letters, digits, "_", "+", "-", ".")`)
  }
  return id as ContainerId
}

/** A state directory holds files, and the directory of the notify socket. */
function removeTree(directory: string): void {
  for (const name of listDirectory(directory)) {
    const path = `${directory}/${name}`
    if (fileInfo(path)?.type === 'directory') removeTree(path)
    else removeFile(path)
  }
  removeDirectory(directory)
}

/** The sticky bit keeps it from those who clean up $XDG_RUNTIME_DIR (XDG Base Directory Specification). */
function rootMode(root: string): number {
  const { XDG_RUNTIME_DIR: runtimeDirectory = '' } = process.env
  return runtimeDirectory !== '' && root.startsWith(`${runtimeDirectory}/`) ? 0o1700 : 0o700
}

/** A locked state directory; `release` must be called. */
export interface Lock {
  release(): void
}

/** The state directories of one root. */
export class Store {
  readonly root: string

  constructor(root: string) {
    this.root = root
  }

  /** Directory of one container's state. */
  directory(id: ContainerId): string {
    return `${this.root}/${id}`
  }

  /** The socket on which a created container waits for `start`; its presence means "created". */
  startSocket(id: ContainerId): string {
    return `${this.directory(id)}/start.sock`
  }

  /** Name of that socket until `create` is done with everything; its presence means "creating". */
  unreadySocket(id: ContainerId): string {
    return `${this.directory(id)}/.start.sock`
  }

  /** Directory of the notify socket, which the container sees at /run/notify. */
  notifyDirectory(id: ContainerId): string {
    return `${this.directory(id)}/notify`
  }

  /** Compiles a seccomp filter, or takes one of those that are kept beside the containers. @throws ConfigError */
  compileSeccomp(request: SeccompRequest): Uint8Array {
    try {
      this.#makeRoot()
    } catch {
      // Then there is no place for it, and `create` will say why.
      return compileSeccomp(request)
    }
    return compileSeccomp(request, `${this.root}/.seccomp`)
  }

  /** Makes and locks the directory of a new container. @throws ExistsError, StoreError */
  create(id: ContainerId): Lock {
    const directory = this.directory(id)
    try {
      this.#makeRoot()
      makeDirectory(directory, 0o700)
    } catch (cause) {
      if (hasErrno(cause, 'EEXIST')) throw new ExistsError(id)
      const hint = hasErrno(cause, 'EACCES') ? ' (another one: --root, or $XDG_RUNTIME_DIR without it)' : ''
      throw new StoreError(`cannot make state directory "${directory}"${hint}`, directory, { cause })
    }
    try {
      return this.lock(id, { wait: true }) as Lock
    } catch (error) {
      this.remove(id)
      throw error
    }
  }

  /** Locks a container's directory; undefined when it is taken and `wait` is not set. */
  lock(id: ContainerId, options: { wait: boolean }): Lock | undefined {
    const fd = this.#open(id)
    try {
      if (lockFile(fd, options)) return { release: () => closeFile(fd) }
    } catch (error) {
      closeFile(fd)
      throw error
    }
    closeFile(fd)
    return undefined
  }

  /**
   * Locks a container's directory; `wait` has to wait for the lock on a descriptor, in its own way.
   * @throws NotFoundError also when the container was removed meanwhile, even if there is a new one of its name
   */
  async lockWith(id: ContainerId, wait: (fd: number) => Promise<void>): Promise<Lock> {
    const fd = this.#open(id)
    try {
      await wait(fd)
      if (!sameFile(`/proc/self/fd/${fd}`, this.directory(id))) throw new NotFoundError(id)
    } catch (error) {
      closeFile(fd)
      throw error
    }
    return { release: () => closeFile(fd) }
  }

  /** The record of a container. @throws NotFoundError, StoreError */
  load(id: ContainerId): StateRecord {
    const path = `${this.directory(id)}/state.json`
    const text = this.#read(id, 'state.json')
    if (text === undefined) throw new NotFoundError(id)
    const record = parseRecord(text, path)
    if (record.id === id) return record
    // By way of a link or a copy: what is asked for must not happen to another container.
    throw new StoreError(`state record "${path}" is that of the container ${JSON.stringify(record.id)}`, path)
  }

  /** @throws StoreError */
  save(id: ContainerId, record: StateRecord): void {
    this.#write(id, 'state.json', JSON.stringify(record))
  }

  /** Keeps the config as it was at create: later edits of the bundle don't matter. @throws StoreError */
  saveConfig(id: ContainerId, text: string): void {
    this.#write(id, 'config.json', text)
  }

  /** True when `create` has come as far as to keep its config, which it does after its record. */
  hasConfig(id: ContainerId): boolean {
    return fileInfo(`${this.directory(id)}/config.json`) !== undefined
  }

  /** Text of the config as it was at create. @throws StoreError */
  loadConfig(id: ContainerId): string {
    const text = this.#read(id, 'config.json')
    const path = `${this.directory(id)}/config.json`
    if (text === undefined) throw new StoreError(`there is no "${path}"`, path)
    return text
  }

  /** Ids of all directories under the root, sorted; none when there is no root yet. @throws StoreError */
  list(): ContainerId[] {
    try {
      return listDirectory(this.root)
        .filter((name): name is ContainerId => /^[\w+-][\w+.-]*$/.test(name))
        .sort()
    } catch (cause) {
      if (hasErrno(cause, 'ENOENT')) return []
      throw new StoreError(`cannot list state directory "${this.root}"`, this.root, { cause })
    }
  }

  /** True when there is a directory for this id, whatever is in it. */
  has(id: ContainerId): boolean {
    return fileInfo(this.directory(id)) !== undefined
  }

  /** Removes a container's directory with all its files. @throws StoreError */
  remove(id: ContainerId): void {
    const directory = this.directory(id)
    try {
      this.#assertDirectory(id)
      removeTree(directory)
    } catch (cause) {
      if (cause instanceof NotFoundError) return
      if (cause instanceof StoreError) throw cause
      if (hasErrno(cause, 'ENOENT')) return
      throw new StoreError(`cannot remove state directory "${directory}"`, directory, { cause })
    }
  }

  #open(id: ContainerId): number {
    const directory = this.directory(id)
    this.#assertDirectory(id)
    try {
      return openFile(directory, openFlag.read)
    } catch (cause) {
      if (hasErrno(cause, 'ENOENT')) throw new NotFoundError(id)
      throw new StoreError(`cannot open state directory "${directory}"`, directory, { cause })
    }
  }

  /** What a link leads to is nothing of tsrun's. @throws NotFoundError, StoreError */
  #assertDirectory(id: ContainerId): void {
    const directory = this.directory(id)
    const type = fileInfo(directory)?.type
    if (type === undefined) throw new NotFoundError(id)
    if (type === 'directory') return
    const what = type === 'link' ? 'a symbolic link' : 'not a directory'
    throw new StoreError(`"${directory}" in the state root is ${what}: it was not made by tsrun`, directory)
  }

  /** Text of a file of the container, undefined where there is none. @throws StoreError */
  #read(id: ContainerId, name: string): string | undefined {
    const path = `${this.directory(id)}/${name}`
    try {
      return readRegularFile(path)
    } catch (cause) {
      if (hasErrno(cause, 'EINVAL')) throw new StoreError(`"${path}" is not a file`, path)
      throw new StoreError(`cannot read "${path}"`, path, { cause })
    }
  }

  #write(id: ContainerId, name: string, text: string): void {
    const path = `${this.directory(id)}/${name}`
    try {
      replaceFile(path, text, 0o600)
    } catch (cause) {
      throw new StoreError(`cannot write "${path}"`, path, { cause })
    }
  }

  /** Engines name roots whose parents don't exist yet. Only what is missing is made, for its owner alone. */
  #makeRoot(): void {
    const missing: string[] = []
    for (let at = this.root; at !== '' && fileInfo(at) === undefined; at = at.slice(0, at.lastIndexOf('/'))) {
      missing.push(at)
    }
    for (const path of missing.reverse()) {
      try {
        makeDirectory(path, path === this.root ? rootMode(path) : 0o711)
      } catch (error) {
        if (!hasErrno(error, 'EEXIST')) throw error
      }
    }
  }
}
