/** Library: where the standard streams of a process lead, as `node:child_process` names it. */
import { Readable, Writable } from 'node:stream'
import { closeFile, openFile, openFlag } from '../native/binding.js'
import { openPipe } from '../native/event-loop.js'
import { readPipe, writePipe } from './streams.js'

/** A file by its path: read as standard input, else written, from its beginning unless `append` is set. */
export interface StdioFile {
  readonly file: string
  readonly append?: boolean
}

/**
 * One standard stream: a `pipe` to this program, its own stream (`inherit`), /dev/null (`ignore`), an open descriptor, a
 * stream that is read or written through a pipe, or a file.
 */
export type StdioEntry = 'pipe' | 'inherit' | 'ignore' | number | Readable | Writable | StdioFile

/** One entry for all three, or standard input, output and error. */
export type Stdio = StdioEntry | readonly [stdin: StdioEntry, stdout: StdioEntry, stderr: StdioEntry]

/** The ends of pipes that are this program's; null where there is none. */
export interface Pipes {
  readonly stdin: Writable | null
  readonly stdout: Readable | null
  readonly stderr: Readable | null
}

/** The standard streams of a process that is about to start. */
export class OpenedStdio implements Pipes {
  readonly fds: [number, number, number] = [0, 1, 2]
  stdin: Writable | null = null
  stdout: Readable | null = null
  stderr: Readable | null = null
  /** The process's ends of pipes, and files: of no use to this program once it runs. */
  readonly #theirs: number[] = []
  readonly #connect: (() => void)[] = []
  readonly #own: (Readable | Writable)[] = []

  /** @throws SyscallError */
  constructor(stdio: Stdio) {
    const entries = entriesOf(stdio)
    try {
      this.fds[0] = this.#input(entries[0])
      this.fds[1] = this.#output(entries[1], 'stdout')
      // Two streams to one target are one stream, whose parts keep their order.
      const same = entries[1] === entries[2] && typeof entries[1] === 'object'
      this.fds[2] = same ? this.fds[1] : this.#output(entries[2], 'stderr')
    } catch (error) {
      this.abandon()
      throw error
    }
  }

  #keep(fd: number): number {
    this.#theirs.push(fd)
    return fd
  }

  #input(entry: StdioEntry): number {
    if (entry === 'inherit') return 0
    if (typeof entry === 'number') return entry
    if (entry === 'ignore') return this.#keep(openFile('/dev/null', openFlag.read))
    if (entry !== 'pipe' && 'file' in entry) return this.#keep(openFile(entry.file, openFlag.read))
    const { read: theirs, write: ours } = openPipe()
    this.#keep(theirs)
    const stdin = writePipe(ours)
    this.#own.push(stdin)
    if (entry === 'pipe') this.stdin = stdin
    else this.#connect.push(() => feed(entry as Readable, stdin))
    return theirs
  }

  #output(entry: StdioEntry, name: 'stdout' | 'stderr'): number {
    if (entry === 'inherit') return name === 'stdout' ? 1 : 2
    if (typeof entry === 'number') return entry
    if (entry === 'ignore') return this.#keep(openFile('/dev/null', openFlag.write))
    if (entry !== 'pipe' && 'file' in entry) {
      const how = entry.append === true ? openFlag.append : openFlag.truncate
      return this.#keep(openFile(entry.file, openFlag.write | openFlag.create | how))
    }
    const { read: ours, write: theirs } = openPipe()
    this.#keep(theirs)
    const output = readPipe(ours)
    this.#own.push(output)
    if (entry === 'pipe') this[name] = output
    else this.#connect.push(() => void output.pipe(entry as Writable))
    return theirs
  }

  /** The process has its copies: the ends of pipes now tell when it has closed them. */
  started(): void {
    for (const fd of this.#theirs.splice(0)) closeFile(fd)
    for (const connect of this.#connect.splice(0)) connect()
  }

  /** There is no process after all. */
  abandon(): void {
    for (const fd of this.#theirs.splice(0)) closeFile(fd)
    for (const stream of this.#own) stream.destroy()
  }
}

/** A program may end without having read everything: that is no error of who has offered it. */
function feed(source: Readable, stdin: Writable): void {
  stdin.on('error', () => source.unpipe(stdin))
  source.pipe(stdin)
}

type Triple = Extract<Stdio, readonly unknown[]>
const isTriple = (stdio: Stdio): stdio is Triple => Array.isArray(stdio)

/** One entry for each stream. */
export const entriesOf = (stdio: Stdio): Triple => (isTriple(stdio) ? stdio : [stdio, stdio, stdio])

const isEntry = (value: unknown): boolean =>
  value === 'pipe' ||
  value === 'inherit' ||
  value === 'ignore' ||
  (Number.isInteger(value) && (value as number) >= 0) ||
  value instanceof Readable ||
  value instanceof Writable ||
  isFile(value)

const isFile = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  'file' in value &&
  typeof value.file === 'string' &&
  Object.keys(value).every((name) => name === 'file' || name === 'append')

/** True for what `stdio` may be. */
export const isStdio = (value: unknown): boolean =>
  isEntry(value) || (Array.isArray(value) && value.length === 3 && value.every(isEntry))
