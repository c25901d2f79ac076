/** Native: runs a helper program of the host (hook, newuidmap, ps) to its end, the same way on every engine. */
import { sigkill } from '../config/vocabulary/signals.js'
import {
  closeFile,
  fileInfo,
  memoryFile,
  readTail,
  reapProcess,
  signalProcess,
  spawnProgram,
  type ExitStatus,
} from './binding.js'
import { withDeadline, type Waiter } from './wait.js'

/** A helper program. */
export interface HelperProcess {
  /** Absolute; no PATH is searched. */
  readonly path: string
  /** From argv[0] on. */
  readonly args: readonly string[]
  /** `NAME=value`; without it the caller's own environment. */
  readonly env?: readonly string[]
  readonly cwd: string
  /** What it reads on its standard input; nothing by default. */
  readonly input?: string
  /** Descriptors for its standard output and error in the place of the memory that `output` comes from. */
  readonly stdout?: number | undefined
  readonly stderr?: number | undefined
  /** Milliseconds until it is killed; 0 or missing: it may take as long as it likes. */
  readonly timeout?: number
  /** It is killed when the caller ends before it. */
  readonly endsWithCaller?: boolean
  /** Called when it runs; the pidfd is open until it has ended. */
  readonly onStart?: (pidfd: number) => void
  /** Bytes of output that are kept, from its end; 4096 by default. */
  readonly keptOutput?: number
}

/** How it went. */
export interface HelperEnd {
  /** Null when nobody can tell: the kernel reaps the children of who ignores SIGCHLD. */
  readonly status: ExitStatus | null
  readonly output: string
  readonly timedOut: boolean
}

/** How long a killed program may take to end, in milliseconds. */
const endLimit = 10_000

/**
 * Runs a program until it ends, not until its output does: input and output are files in memory, not pipes, so one
 * that does not read, writes much, or leaves a daemon with its output open, blocks nobody.
 * @throws SyscallError when it cannot be started
 */
export async function runHelper(helper: HelperProcess, waiter: Waiter): Promise<HelperEnd> {
  const input = memoryFile('input', helper.input ?? '')
  const output = memoryFile('output', '')
  try {
    const { path, args, env, cwd, stdout = output, stderr = output, timeout = 0, endsWithCaller = false } = helper
    const pidfd = spawnProgram({
      path,
      args,
      env,
      cwd,
      descriptors: [input, stdout, stderr],
      binds: [],
      keyring: undefined,
      endsWithCaller,
    })
    helper.onStart?.(pidfd)
    const { status, timedOut } = await awaitEnd(pidfd, timeout, waiter)
    return { status, timedOut, output: readTail(output, helper.keptOutput ?? 4096) }
  } finally {
    closeFile(input)
    closeFile(output)
  }
}

async function awaitEnd(pidfd: number, timeout: number, waiter: Waiter): Promise<Omit<HelperEnd, 'output'>> {
  try {
    if (timeout === 0) await waiter.readable(pidfd)
    const timedOut = timeout > 0 && !(await withDeadline(timeout, (by) => by.readable(pidfd, waiter)))
    if (timedOut) {
      signalProcess(pidfd, sigkill)
      await withDeadline(endLimit, (by) => by.readable(pidfd, waiter))
    }
    return { status: reapProcess(pidfd) ?? null, timedOut }
  } finally {
    closeFile(pidfd)
  }
}

/** How a process ended, in words; empty when nobody can tell. */
export function describeEnd(status: ExitStatus | null | undefined): string {
  if (status === null || status === undefined) return ''
  return 'signal' in status ? `killed by signal ${status.signal}` : `exit status ${status.code}`
}

/** Searched after the caller's own PATH: tools of an administrator are not in every user's. */
const usualPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Path of a program of the host, or undefined where it is not installed. `searchPath`: the caller's PATH. */
export function findProgram(name: string, searchPath: string | undefined): string | undefined {
  const directories = `${searchPath ?? ''}:${usualPath}`.split(':').filter((one) => one.startsWith('/'))
  return directories.map((one) => `${one}/${name}`).find(isFile)
}

/** A directory of the PATH may be closed to this user. */
function isFile(path: string): boolean {
  try {
    return ['file', 'link'].includes(fileInfo(path)?.type ?? '')
  } catch {
    return false
  }
}
