/** Host: the mounts that a process sees (/proc/PID/mountinfo, proc(5)). */
import { readFile } from '../native/binding.js'

/** What tsrun asks of a line: `id parent major:minor root point options … - type source super-options`. */
export interface MountLine {
  /** What of the file system is mounted there, `/` for all of it. */
  readonly root: string
  readonly point: string
  readonly type: string
  /** Of the file system, which all its mounts share. */
  readonly options: readonly string[]
}

/** Blanks, tabs, newlines and backslashes are octal there. */
const unescapeMount = (text: string): string =>
  text.includes('\\')
    ? text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))
    : text

/** Between the options of the mount and what is said of its file system. */
const separator = ' - '

/**
 * The lines of a mountinfo file; of mounts at one point the last one covers the others. `type`: only of file systems
 * whose types begin so, since a host may have thousands of others.
 */
export function parseMountinfo(text: string, type = ''): MountLine[] {
  const mounts: MountLine[] = []
  for (const line of text.split('\n')) {
    const end = line.indexOf(separator)
    if (end < 0 || !line.startsWith(type, end + separator.length)) continue
    const [, , , root = '/', point] = line.slice(0, end).split(' ')
    const [kind, , options] = line.slice(end + separator.length).split(' ')
    if (point === undefined || kind === undefined) continue
    const superOptions = options?.split(',') ?? []
    mounts.push({ root: unescapeMount(root), point: unescapeMount(point), type: kind, options: superOptions })
  }
  return mounts
}

/** The mounts of a process, by default this one; `type` as of parseMountinfo. @throws SyscallError */
export const readMounts = (pid: number | 'self' = 'self', type = ''): MountLine[] =>
  parseMountinfo(readFile(`/proc/${pid}/mountinfo`), type)
