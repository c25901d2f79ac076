/** Test helper: what the probe (tools/probe.c) has seen inside a container. */
import { constants } from 'node:os'

/** One thing that the probe has tried. */
export interface Try {
  /** Name of the error, for example ENOENT; empty when it went well. */
  readonly error: string
  readonly errno: number
  readonly result: number
  /** Of `read` and `link`. */
  readonly text?: string
  /** Of `list`. */
  readonly entries?: readonly string[]
  /** Of `stat` and `follow`. */
  readonly type?: string
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly major?: number
  readonly minor?: number
  readonly inode?: string
  readonly device?: string
  /** Of `run` and `child`: exit status, or the negative number of the signal. */
  readonly status?: number
  /** Of `clock`. */
  readonly seconds?: number
}

/** A line of mountinfo (proc(5)). */
export interface MountInfo {
  readonly id: number
  readonly parent: number
  /** Directory in the file system that is mounted. */
  readonly root: string
  readonly point: string
  readonly options: readonly string[]
  /** shared:N, master:N, unbindable. */
  readonly tags: readonly string[]
  readonly type: string
  readonly source: string
  readonly superOptions: readonly string[]
}

interface RawReport {
  readonly argv: readonly string[]
  readonly env: readonly string[]
  readonly cwd: string
  readonly uids: readonly number[]
  readonly gids: readonly number[]
  readonly groups: readonly number[]
  readonly pid: number
  readonly ppid: number
  readonly pgid: number
  readonly sid: number
  readonly umask: number
  /** /proc/self/status. */
  readonly status: Readonly<Record<string, string>>
  /** By RLIMIT_* number. */
  readonly rlimits: readonly { readonly soft: string; readonly hard: string }[]
  readonly scheduler: {
    readonly policy: number
    readonly flags: number
    readonly nice: number
    readonly priority: number
    readonly runtime: number
    readonly deadline: number
    readonly period: number
  }
  readonly ioPriority: number
  readonly personality: number
  readonly oomScoreAdj: number
  readonly affinity: readonly number[]
  /** For example pid: `pid:[4026531836]`. */
  readonly namespaces: Readonly<Record<'cgroup' | 'ipc' | 'mnt' | 'net' | 'pid' | 'time' | 'user' | 'uts', string>>
  readonly hostname: string
  readonly domainname: string
  readonly machine: string
  readonly fds: Readonly<Record<string, string>>
  readonly terminal: {
    readonly stdin: boolean
    readonly controlling: boolean
    readonly foreground: number
    readonly rows: number
    readonly columns: number
    readonly onlcr: boolean
  }
  readonly keyring: string
  readonly cgroups: readonly string[]
  readonly dumpable: number
  readonly parentDeathSignal: number
  readonly secureBits: number
}

/** Everything that the probe says. */
export interface Report extends RawReport {
  readonly mounts: readonly MountInfo[]
  /** By the words of the try. */
  readonly tries: Readonly<Record<string, Try>>
}

const errorNames = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]))
// Node.js names only the errors that libuv knows; EAGAIN and EWOULDBLOCK are one number.
errorNames.set(11, 'EAGAIN')

/** Name of an errno. */
const errorName = (errno: number): string => (errno === 0 ? '' : (errorNames.get(errno) ?? `errno ${errno}`))

/** Takes a line of mountinfo apart. */
export function parseMountInfo(line: string): MountInfo {
  const [before = '', after = ''] = line.split(' - ')
  const [id, parent, , root = '', point = '', options = '', ...tags] = before.split(' ')
  const [type = '', source = '', superOptions = ''] = after.split(' ')
  return {
    id: Number(id),
    parent: Number(parent),
    root,
    point,
    options: options.split(','),
    tags: tags.filter(Boolean),
    type,
    source,
    superOptions: superOptions.split(','),
  }
}

/** The probe's report out of what it has printed. */
export function parseReport(text: string): Report {
  const line = text.split('\n').find((one) => one.startsWith('{'))
  if (line === undefined) throw new Error(`no report of the probe in ${JSON.stringify(text)}`)
  const raw = JSON.parse(line) as RawReport & {
    mounts: string[]
    tries: (Omit<Try, 'error'> & { try: string; errno: number })[]
  }
  const tries = Object.fromEntries(raw.tries.map((one) => [one.try, { ...one, error: errorName(one.errno) }]))
  return { ...raw, mounts: raw.mounts.map(parseMountInfo), tries }
}

/** The topmost mount at a place, as paths are resolved. */
export function mountAt(report: Report, point: string): MountInfo {
  const found = report.mounts.findLast((mount) => mount.point === point)
  if (found === undefined) throw new Error(`nothing is mounted at ${point}`)
  return found
}

/** A try by its words; an error when the probe was not asked to. */
export function tried(report: Report, words: string): Try {
  const found = report.tries[words]
  if (found === undefined) throw new Error(`the probe has not tried ${JSON.stringify(words)}`)
  return found
}
