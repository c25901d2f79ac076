/** Stage 4, launch: what a restore needs to find beside CRIU's images: the names of the streams, and mount points. */
import { UsageError } from '../errors.js'
import { closeFile, readFileIfAny } from '../native/binding.js'
import { startInit } from '../native/start-init.js'
import { collectProcess, type Waiter } from '../native/wait.js'
import { planMountPoints } from '../plan/mount-points.js'
import type { LaunchPlan } from '../plan/types.js'
import { serveInit } from './protocol.js'

/** What the standard streams were at the checkpoint. @throws UsageError */
export function readStreams(path: string): string[] {
  const text = readFileIfAny(path)
  if (text === undefined) return []
  try {
    const names: unknown = JSON.parse(text)
    if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return names
  } catch {
    // The same is wrong with it.
  }
  throw new UsageError(`${JSON.stringify(path)} is not a list of the names of streams`)
}

/** CRIU makes no mount points, and a rootfs may be a new one. @throws SyscallError */
export async function makeMountPoints(waiter: Waiter, plan: LaunchPlan): Promise<void> {
  const { sync, pidfd } = await startInit(waiter, planMountPoints(plan))
  try {
    await serveInit(sync, {}, waiter, undefined)
  } finally {
    closeFile(sync)
    await collectProcess(waiter, pidfd)
  }
}
