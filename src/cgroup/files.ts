/** Cgroup: small files of cgroups. A cgroup may go at any moment: what is gone is undefined, not an error. */
import { hasErrno, readFileIfAny, writeFile } from '../native/binding.js'

const gone = ['ENOENT', 'ENOTDIR', 'ENODEV']

/** True for the error of a cgroup, or of a file in it, that is not there or no longer. */
export const isGone = (error: unknown): boolean => gone.some((name) => hasErrno(error, name))

/** What `work` returns; undefined where the cgroup is gone. */
export function unlessGone<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

/** The cgroup above one; '' above the first. */
export const parentOf = (directory: string): string => directory.slice(0, directory.lastIndexOf('/'))

/** Text of a file. @throws SyscallError */
export const readGroup = (directory: string, file: string): string | undefined => readFileIfAny(`${directory}/${file}`)

/** @throws SyscallError, also where the file is missing */
export const writeGroup = (directory: string, file: string, text: string): void =>
  writeFile(`${directory}/${file}`, text)

/** The words in a file; none where it is missing. */
export const wordsIn = (directory: string, file: string): string[] =>
  (readGroup(directory, file) ?? '').split(/\s+/).filter(Boolean)

/** How many processes of a cgroup the OOM killer has ended, as a file of it says; 0 where the cgroup is gone. */
export const killsIn = (directory: string, file: string): number =>
  Number(/^oom_kill (\d+)/m.exec(readGroup(directory, file) ?? '')?.[1] ?? 0)
