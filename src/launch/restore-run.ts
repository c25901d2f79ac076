/** Stage 4, launch: a restored container in the foreground. */
import { adoptTerminal, catchSignals, runForeground, setSubreaper } from '../native/binding.js'
import type { ContainerId } from '../state/store.js'
import type { RuntimeContext } from './context.js'
import { inForeground } from './end.js'
import { restoreContainer, type RestoreOptions } from './restore.js'
import { removeAtEnd } from './run.js'

/**
 * Restores a container, waits for its end and removes it.
 * @returns exit status for a shell: the program's, or 128 + signal
 * @throws what restoring throws; then nothing is left
 */
export async function runRestored(
  context: RuntimeContext,
  id: ContainerId,
  { noSubreaper, ...options }: RestoreOptions & { readonly noSubreaper?: boolean },
): Promise<number> {
  catchSignals()
  if (!noSubreaper) setSubreaper()
  const { record, pidfd, ptmx } = await restoreContainer(context, id, options, { foreground: true })
  if (ptmx >= 0) adoptTerminal(ptmx)
  try {
    const status = await inForeground(context, record, pidfd, () => runForeground(record.pid, pidfd, ptmx))
    return 'signal' in status ? 128 + status.signal : status.code
  } finally {
    await removeAtEnd(context, id)
  }
}
