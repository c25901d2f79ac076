/** Test helper: programs that a runtime talks to, and waiting for processes that are not ours. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { ended, Lines } from './runtime.js'
import { tool } from './tools.js'

/** What a server of tools/peer.c tells at its end. */
export interface PeerReport {
  /** The text that came with the descriptor. */
  readonly message: string
  /** notify: the datagrams. */
  readonly messages?: readonly string[]
  readonly descriptors: number
  // console
  readonly shown?: string
  readonly major?: number
  readonly minor?: number
  readonly rows?: number
  readonly columns?: number
  // pidfd
  readonly pid?: number
  readonly kind?: string
  readonly ended?: boolean
  // seccomp
  readonly calls?: readonly { number: number; pid: number; first: string }[]
}

/** A server that is listening. */
export class Peer {
  readonly #child: ChildProcess
  readonly #lines: Lines

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#lines = new Lines(child.stdout)
  }

  /** Starts `peer ARGS` and waits until it listens. */
  static async listen(...args: readonly string[]): Promise<Peer> {
    const peer = new Peer(spawn(tool('peer'), args, { stdio: ['ignore', 'pipe', 'inherit'] }))
    if ((await peer.#lines.next()) !== 'ready') throw new Error(`peer ${args.join(' ')} does not listen`)
    return peer
  }

  /** What it has received, once that has come to its end. */
  async report(): Promise<PeerReport> {
    const line = await this.#lines.next()
    await ended(this.#child)
    if (line === undefined) throw new Error('the peer has nothing to report')
    return JSON.parse(line) as PeerReport
  }

  /** Ends it, whatever it waits for. */
  stop(): void {
    this.#child.kill('SIGKILL')
  }
}

/** How a command in a terminal went. */
export interface TerminalReport {
  /** Exit status, or the negative number of the signal. */
  readonly status: number
  /** Everything on the screen, with carriage returns. */
  readonly shown: string
  /** Whether the terminal was in raw mode when the command had shown `ready`, and at the end. */
  readonly raw: boolean
  readonly rawAtEnd: boolean
}

/** Runs a command in a terminal of 24 x 80; once it shows `ready`, types a text and changes the size. */
export function runInTerminal(
  command: readonly string[],
  { typed = '', rows = 24, columns = 80 }: { typed?: string; rows?: number; columns?: number } = {},
): TerminalReport {
  const args = ['terminal', typed, String(rows), String(columns), ...command]
  const { status, stdout, stderr } = spawnSync(tool('peer'), args, { encoding: 'utf8', timeout: 60_000 })
  if (status !== 0) throw new Error(`peer terminal: ${stderr}`)
  return JSON.parse(stdout) as TerminalReport
}

/** Runs a command with its orphans as our children: its exit status, and which children it has left. */
export function runAsSubreaper(command: readonly string[]): { status: number; children: readonly number[] } {
  const { stdout } = spawnSync(tool('peer'), ['adopt', ...command], {
    encoding: 'utf8',
    timeout: 60_000,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return JSON.parse(stdout) as { status: number; children: number[] }
}

/** Blocks until a process has ended; also one that is not a child of ours. */
export function awaitProcess(pid: number): void {
  const { status } = spawnSync(tool('peer'), ['await', String(pid)], { timeout: 60_000 })
  if (status !== 0) throw new Error(`process ${pid} does not end`)
}
