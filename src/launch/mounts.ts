/** Stage 4, launch: mounts that a container gets, or loses, while it exists. */
import { parseJson } from '../config/json.js'
import { parseConfig } from '../config/load.js'
import { stringifyConfig } from '../config/stringify.js'
import type { Config, Mount, NamespaceType } from '../config/types.js'
import { ConfigError, ProtocolError, StatusError, UnsupportedError } from '../errors.js'
import { probeHost } from '../host/facts.js'
import { sharesNamespace } from '../host/namespaces.js'
import { closeFile, processIds } from '../native/binding.js'
import { startInit } from '../native/start-init.js'
import { collectProcess, type Waiter } from '../native/wait.js'
import { compileAddedMount, compileRemovedMounts } from '../plan/mount-changes.js'
import type { LaunchPlan } from '../plan/types.js'
import { observeStatus } from '../state/observe.js'
import type { StateRecord } from '../state/record.js'
import { assertStatus } from '../state/status.js'
import type { ContainerId } from '../state/store.js'
import type { RuntimeContext } from './context.js'
import { openInit } from './kill.js'
import { frameError } from './protocol.js'

/** Mounts as in config.json. All of them are made, or none. @throws ConfigError, StatusError, UnsupportedError, SyscallError */
export function addMounts(context: RuntimeContext, id: ContainerId, mounts: readonly Mount[]): Promise<void> {
  return changeMounts(context, id, mounts, async ({ config, record, run, namespaces }, checked) => {
    const facts = probeHost({ apparmor: false, selinux: Boolean(config.linux?.mountLabel) })
    const { bundle, cgroup } = record
    const plans = checked.map((mount) =>
      compileAddedMount({ config: { ...config, mounts: [mount] }, bundle, facts, cgroup, namespaces }),
    )
    let done = 0
    try {
      for (const plan of plans) {
        await run(plan)
        done++
      }
      return [...(config.mounts ?? []), ...checked]
    } catch (error) {
      if (done > 0) await run(compileRemovedMounts(checked.slice(0, done).reverse(), { namespaces }))
      throw error
    }
  })
}

/** By their destinations, the topmost of each. All of them are taken away, or none. @throws as addMounts */
export function removeMounts(context: RuntimeContext, id: ContainerId, mounts: readonly Mount[]): Promise<void> {
  return changeMounts(context, id, mounts.map(asPlace), async ({ config, run, namespaces }, checked) => {
    await run(compileRemovedMounts(checked, { namespaces }))
    const left = [...(config.mounts ?? [])]
    for (const { destination } of checked) {
      const at = left.findLastIndex((mount) => mount.destination === destination)
      if (at >= 0) left.splice(at, 1)
    }
    return left
  })
}

/** Of a mount that is to go nothing counts but where it is: what was mounted there need not be told. */
function asPlace({ destination, options }: Mount): Mount {
  const own = Array.isArray(options) && options.includes('dest-nofollow') ? ['dest-nofollow'] : []
  return { destination, type: 'bind', source: '/', options: ['bind', ...own] }
}

/** The container whose mounts are changed. */
interface Changed {
  readonly config: Config
  readonly record: StateRecord
  readonly namespaces: ReadonlySet<NamespaceType>
  readonly run: (plan: LaunchPlan) => Promise<void>
}

/** Later commands read the kept config: what the container has is written there. */
async function changeMounts(
  { store, waiter }: RuntimeContext,
  id: ContainerId,
  given: readonly Mount[],
  change: (container: Changed, mounts: readonly Mount[]) => Promise<readonly Mount[]>,
): Promise<void> {
  const lock = await store.lockWith(id, waiter.locked)
  let target = -1
  try {
    const record = store.load(id)
    const status = observeStatus(store, id, record)
    assertStatus(id, 'mounts', status)
    const namespaces = new Set((['mount', 'user'] as const).filter((type) => !sharesNamespace(record.pid, type)))
    assertChangeable(id, namespaces)
    const kept = parseJson(store.loadConfig(id)) as Config
    const mounts = await checkMounts(kept, given)
    target = openInit(record)
    if (target < 0) throw new StatusError('container not running', { id, operation: 'mounts', status })
    const run = (plan: LaunchPlan): Promise<void> => runHelper(plan, target, waiter)
    const all = await change({ config: kept, record, namespaces, run }, mounts)
    store.saveConfig(id, stringifyConfig({ ...kept, mounts: all }))
  } finally {
    if (target >= 0) closeFile(target)
    lock.release()
  }
}

function assertChangeable(id: string, namespaces: ReadonlySet<NamespaceType>): void {
  const refuse = (reason: string): UnsupportedError =>
    new UnsupportedError('mounts', `the mounts of container ${JSON.stringify(id)} cannot be changed: ${reason}`)
  if (!namespaces.has('mount')) throw refuse('it has no mount namespace of its own')
  if (processIds().euid !== 0) throw refuse('that takes root')
}

/** By the rules of config.json, as if they were all of the container's. @throws ConfigError */
async function checkMounts(config: Config, given: readonly Mount[]): Promise<readonly Mount[]> {
  try {
    const { mounts = [] } = await parseConfig({ ...config, mounts: given })
    const root = mounts.findIndex(({ destination }) => destination === '/')
    if (root < 0) return mounts
    throw ConfigError.from([
      { pointer: `/mounts/${root}/destination`, message: 'must not be the root of the container' },
    ])
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new ConfigError(error.message.replace('config.json', 'mounts'), error.issues)
  }
}

/** Starts a helper in the container's namespaces and waits for its end. @throws SyscallError that it has reported */
async function runHelper(plan: LaunchPlan, target: number, waiter: Waiter): Promise<void> {
  const { sync, pidfd } = await startInit(waiter, plan, undefined, { targetFd: target })
  try {
    const frame = await waiter.frame(sync)
    if (frame?.type === 'failure') throw frameError(frame, 'cannot change the mounts')
    if (frame !== null) throw new ProtocolError(`the helper that changes mounts has said ${frame.type}`)
  } finally {
    closeFile(sync)
    await collectProcess(waiter, pidfd)
  }
}
