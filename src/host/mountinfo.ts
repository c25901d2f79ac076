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
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))

/** The lines of a mountinfo file; of mounts at one point the last one covers the others. */
export function parseMountinfo(text: string): MountLine[] {
  return text.split('\n').flatMap((line) => {
    const [before, after] = line.split(' - ')
    const [, , , root = '/', point] = before?.split(' ') ?? []
    const [type, , options] = after?.split(' ') ?? []
    if (point === undefined || type === undefined) return []
    return [{ root: unescapeMount(root), point: unescapeMount(point), type, options: options?.split(',') ?? [] }]
  })
}

/** The mounts of a process, by default this one. @throws SyscallError */
export const readMounts = (pid: number | 'self' = 'self'): MountLine[] =>
  parseMountinfo(readFile(`/proc/${pid}/mountinfo`))
