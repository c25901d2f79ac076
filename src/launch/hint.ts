/** Stage 4, launch: asks why a program could not be executed, only after that has happened. */
import type { Config, Process } from '../config/types.js'
import { SyscallError } from '../errors.js'
import type { StateRecord } from '../state/record.js'
import type { ContainerId } from '../state/store.js'
import type { RuntimeContext } from './context.js'
import { savedConfig } from './exec-options.js'

/** A program of a container, and where its files are. */
export interface Subject {
  readonly config: Config
  readonly process: Process
  readonly rootfs: string
  readonly bundle: string
  /** A process that sees the container's files. Without one: the rootfs, and what the config binds into it. */
  readonly pid?: number
}

/** Sets `hint` of an error of init's about the program. Never fails itself. */
export async function hintAtProgram(error: unknown, subject: () => Subject | Promise<Subject>): Promise<void> {
  if (!(error instanceof SyscallError) || error.side !== 'init') return
  if (error.step !== 'program' && error.step !== 'exec') return
  try {
    const { explainFailure } = await import('./diagnose.js')
    const hint = explainFailure(error, await subject())
    if (hint !== undefined) error.hint = hint
  } catch {
    // The error itself is what matters.
  }
}

/** What a dynamic loader and a shell end with when they have not found something. */
const notFoundStatus = 127

/** Warns of a library that is missing, when a program in the foreground has ended as its loader does then. */
export async function hintAtEnd(
  context: RuntimeContext,
  status: number,
  subject: () => Subject | Promise<Subject>,
): Promise<void> {
  if (status !== notFoundStatus) return
  try {
    const { explainEnd } = await import('./diagnose.js')
    const hint = explainEnd(await subject())
    if (hint !== undefined) context.onWarning(hint)
  } catch {
    // The status itself is what matters.
  }
}

/** The process of the config, in a container that has been created. */
export async function recordedSubject(
  { store }: RuntimeContext,
  id: ContainerId,
  record: StateRecord,
): Promise<Subject> {
  const config = await savedConfig(store, id)
  const { rootfs, bundle } = record
  return { config, process: config.process, rootfs, bundle }
}
