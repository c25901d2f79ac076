/** Stage 4, launch: a process of `exec` in the foreground. */
import { catchSignals, closeFile, adoptTerminal, runForeground } from '../native/binding.js'
import type { ContainerId } from '../state/store.js'
import type { RuntimeContext } from './context.js'
import { inForeground } from './end.js'
import { execProcess } from './exec.js'
import { wantedProcess, type ExecOptions } from './exec-options.js'
import { hintAtEnd, recordedSubject } from './hint.js'

/**
 * Adds a process and, unless detached, waits for its end.
 * @returns exit status for a shell: the program's, or 128 + signal; 0 when detached
 * @throws what execProcess throws
 */
export async function runExec(
  context: RuntimeContext,
  id: ContainerId,
  options: ExecOptions & { readonly detach?: boolean },
): Promise<number> {
  const foreground = options.detach !== true
  // A signal that comes from now on is forwarded, instead of leaving the process behind.
  if (foreground) catchSignals()
  const { pid, pidfd, ptmx } = await execProcess(context, id, options, {
    terminalStays: foreground,
    onTerminal: adoptTerminal,
  })
  if (!foreground) {
    closeFile(pidfd)
    return 0
  }
  const status = await inForeground(context, { id, pid }, pidfd, () => runForeground(pid, pidfd, ptmx))
  closeFile(pidfd)
  if ('signal' in status) return 128 + status.signal
  await hintAtEnd(context, status.code, async () => {
    const record = context.store.load(id)
    const subject = await recordedSubject(context, id, record)
    return { ...subject, pid: record.pid, process: await wantedProcess(subject.config, options) }
  })
  return status.code
}
