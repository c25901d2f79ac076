/** Library: how containers of this thread have ended, for every handle of theirs until they are deleted. */
import { fileInfo } from '../native/binding.js'
import type { StateRecord } from '../state/record.js'
import type { ContainerExit } from './container-options.js'

/** Where the state of a container is. */
export const stateDirectory = (root: string, id: string): string => `${root}/${id}`

interface Known {
  readonly pid: number
  readonly startTime: string
  readonly exit: Promise<ContainerExit>
}

/** By state directory. */
const known = new Map<string, Known>()
/** When so many are known, those that others have deleted are forgotten. */
let sweepAt = 256

/** Keeps an end that is known or will be. */
export function rememberExit(directory: string, { pid, startTime }: StateRecord, exit: Promise<ContainerExit>): void {
  known.set(directory, { pid, startTime, exit })
  if (known.size < sweepAt) return
  for (const path of known.keys()) if (fileInfo(path) === undefined) known.delete(path)
  sweepAt = Math.max(256, 2 * known.size)
}

/** The end of this very container, if it is known; another one may have got its id. */
export function recallExit(directory: string, { pid, startTime }: StateRecord): Promise<ContainerExit> | undefined {
  const found = known.get(directory)
  return found?.pid === pid && found.startTime === startTime ? found.exit : undefined
}

/** The container has been deleted. */
export const forgetExit = (directory: string): void => void known.delete(directory)
