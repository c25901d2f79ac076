/**
 * Cgroup: the driver whose cgroups systemd makes, each a transient scope (systemd.scope(5)).
 *
 * A scope needs a process from its beginning, and init must be born in the finished cgroup: its memory is
 * charged there, and its cgroup namespace begins there. So the scope is made around a placeholder, a
 * tsrun-init that does nothing but wait, which goes when init is there. The limit of processes, which would
 * count it, comes after that, still before the container's program runs.
 *
 * Of cgroup v1 systemd knows some controllers only. In the other hierarchies tsrun itself makes directories at the
 * place of the scope.
 */
import { isTsrunError, SystemdError, UnsupportedError } from '../errors.js'
import { isRootless } from '../host/facts.js'
import { closeFile, readFileIfAny, type Launched } from '../native/binding.js'
import { annotationProperties } from '../plan/gvariant.js'
import { helperPlan } from '../plan/helper.js'
import { renderProperties, renderWrites, needsVersion } from '../plan/resources/render.js'
import { restoringWrite } from '../plan/resources/restore.js'
import { firstLimits, lateLimits } from '../plan/resources/timing.js'
import type { Limit, UnitProperty } from '../plan/resources/types.js'
import { legacyDeviceProperties } from '../plan/resources/v1.js'
import { infinity } from '../plan/resources/properties.js'
import { planEvent } from '../plan/steps.js'
import { deviceProperties } from '../plan/systemd-devices.js'
import type { CgroupPlan, LaunchPlan } from '../plan/types.js'
import type { CgroupDriver, CgroupRequest } from './driver.js'
import { Cgroup } from './cgroup.js'
import { endLimit, endProcesses, leftError, removeCgroups } from './end.js'
import { assertThawed, delegateTo, makeGroups, updateFiles } from './cgroupfs.js'
import { enableControllers } from './controllers.js'
import { applyWrites } from './writes.js'
import { startInit } from '../native/start-init.js'
import { startScope, toVariants, withSystemd, type Systemd, type SystemdKind } from './systemd-bus.js'
import { isInScope, placesOf, scopeOf } from './systemd-places.js'
import { joinOwnScope } from './systemd-reach.js'
import { inexactFilesV1 } from './v1.js'
import { collectProcess, withDeadline, type Waiter } from '../native/wait.js'

/** Waits for a word that never comes, and ends when the socket is closed, also by the end of this process. */
const placeholderPlan = helperPlan([{ op: 'barrier', event: planEvent.created, wait: true, open: false }])

async function endPlaceholder({ pidfd, sync }: Launched, waiter: Waiter): Promise<void> {
  closeFile(sync)
  await collectProcess(waiter, pidfd)
}

/** The driver for `systemd`. */
export function systemdDriver(waiter: Waiter): CgroupDriver {
  let placeholder: Launched | undefined
  const kind: SystemdKind = isRootless() ? 'user' : 'system'
  const dismiss = async (): Promise<void> => {
    const one = placeholder
    placeholder = undefined
    if (one !== undefined) await endPlaceholder(one, waiter)
  }
  return {
    async create(request) {
      let cgroup: CgroupPlan
      assertThawed(request.id, request.plan.cgroup)
      try {
        const { pid } = (placeholder = await startInit(waiter, placeholderPlan))
        await withSystemd(kind, waiter, (systemd) => makeScope(systemd, request, pid))
        const { cgroup: places, others } = placesOf(pid, scopeOf(request.plan.cgroup).unit)
        makeGroups(request.id, others)
        cgroup = places
        if (kind === 'user') await joinOwnScope(cgroup, waiter)
      } catch (error) {
        const { unit } = scopeOf(request.plan.cgroup)
        const isOurs =
          placeholder !== undefined &&
          !isRefusal(error) &&
          (await hasJoined(kind, placeholder, unit, { waiter, error }))
        await dismiss()
        if (isOurs) await stopScope(kind, unit, waiter).catch((failure: unknown) => suppress(error, failure))
        throw error
      }
      try {
        limitByFiles(request.plan, cgroup)
        return cgroup
      } catch (error) {
        await dismiss()
        await removeScope(kind, cgroup, waiter).catch((failure: unknown) => suppress(error, failure))
        throw error
      }
    },
    async finish({ cgroup, resources: { limits } }) {
      await dismiss()
      const late = [...lateLimits(limits).filter((one) => !isOfProcesses(one)), ...limits.filter(isOfProcesses)]
      await setProperties({ kind, waiter }, cgroup, late, limits)
      applyWrites(cgroup, renderWrites(late, limits, cgroup))
    },
    async update(change) {
      // The files first: they are restored when one is rejected. systemd then knows the same, also for a daemon-reload.
      const undo = updateFiles(change)
      const { cgroup, resources, all } = change
      try {
        await setProperties({ kind, waiter }, cgroup, resources.limits, all)
      } catch (error) {
        undo(error)
        throw error
      }
    },
    async remove(cgroup) {
      await dismiss()
      await removeScope(kind, cgroup, waiter)
    },
  }
}

/**
 * Whether a process is in the scope that was asked for, however that has ended: systemd may not have come to it yet. One
 * of the same name that was there before is somebody else's. A process that has gone when systemd puts it there leaves
 * a scope without processes, which nothing ends. What hinders the look goes with `error`.
 */
async function hasJoined(
  kind: SystemdKind,
  { pid }: Launched,
  unit: string,
  { waiter, error }: { readonly waiter: Waiter; readonly error: unknown },
): Promise<boolean> {
  try {
    await withSystemd(kind, waiter, (systemd) => systemd.settled(unit).catch(ignoreUnknown))
  } catch (failure) {
    suppress(error, failure)
  }
  return isInScope(pid, unit)
}

/** systemd has said that it makes no scope, or it does not run here. */
const isRefusal = (error: unknown): boolean =>
  error instanceof UnsupportedError || (error instanceof SystemdError && error.dbusName !== undefined)

/** @throws SystemdError */
async function makeScope(systemd: Systemd, request: CgroupRequest, pid: number): Promise<void> {
  const { id, config, plan } = request
  const { unit, slice } = scopeOf(plan.cgroup)
  const { limits } = plan.resources
  const properties: UnitProperty[] = [
    ['Description', 's', `tsrun container ${id}`],
    ['Slice', 's', slice],
    ['Delegate', 'b', true],
    ['DefaultDependencies', 'b', false],
    ...['Memory', 'CPU', 'IO', 'Tasks'].map((name): UnitProperty => [`${name}Accounting`, 'b', true]),
    ...(plan.cgroup.unified === undefined ? legacyDeviceProperties : deviceProperties)(plan.deviceRules),
    // systemd would set a default of its own; the container's comes late.
    ['TasksMax', 't', infinity],
    ...(await limitProperties(systemd, firstOf(limits), limits, plan.cgroup, { change: false })),
    ...annotationProperties(config.annotations),
  ]
  const start = (): Promise<void> => startScope(systemd, unit, [pid], properties)
  try {
    await start()
  } catch (error) {
    // A scope that has failed keeps its name until somebody takes notice.
    if (!(error instanceof SystemdError) || error.dbusName !== 'org.freedesktop.systemd1.UnitExists') throw error
    await systemd.call('ResetFailedUnit', 's', [unit]).catch(() => undefined)
    await start()
  }
}

/** Until the placeholder has gone the scope has a process more than the container. */
const isOfProcesses = ({ controller }: Limit): boolean => controller === 'pids'
const firstOf = (limits: readonly Limit[]): Limit[] => firstLimits(limits).filter((one) => !isOfProcesses(one))

/** Only those that this systemd has, which would refuse the others. @throws SystemdError */
async function limitProperties(
  systemd: Systemd,
  limits: readonly Limit[],
  all: readonly Limit[],
  cgroup: CgroupPlan,
  { change }: { change: boolean },
): Promise<UnitProperty[]> {
  const version = needsVersion(limits, cgroup) ? await systemd.version() : 0
  return renderProperties(limits, all, cgroup, { version, change })
}

/** What systemd does not know, and the exact values of what it rounds: the scope is delegated, so its files are ours. */
function limitByFiles({ resources }: LaunchPlan, cgroup: CgroupPlan): void {
  const { unified } = cgroup
  if (unified !== undefined) enableControllers(unified, resources)
  applyWrites(cgroup, renderWrites(firstOf(resources.limits), resources.limits, cgroup))
  if (unified !== undefined && resources.owner !== undefined) delegateTo(unified, resources.owner)
}

/**
 * Tells systemd of limits of the running scope. It then writes all that it knows of the scope, some of it not as it
 * was: that is written once more when systemd is done, which it is when it answers the next call.
 */
async function setProperties(
  { kind, waiter }: { kind: SystemdKind; waiter: Waiter },
  cgroup: CgroupPlan,
  limits: readonly Limit[],
  all: readonly Limit[],
): Promise<void> {
  if (limits.length === 0) return
  await withSystemd(kind, waiter, async (systemd) => {
    const properties = await limitProperties(systemd, limits, all, cgroup, { change: true })
    if (properties.length === 0) return
    const restore = keepInexact(cgroup)
    await systemd.call('SetUnitProperties', 'sba(sv)', [scopeOf(cgroup).unit, true, toVariants(properties)])
    await systemd.version()
    restore()
  })
}

/**
 * Files that systemd writes whenever it sees to a unit, with values that need not be those of the container: it rounds
 * the quota, makes a weight of bfq from another one, takes no 0 for the processes, and knows the rest only in newer
 * versions.
 */
const inexactFiles = ['cpu.max', 'cpu.idle', 'io.weight', 'io.bfq.weight', 'memory.oom.group', 'pids.max']

/** Notes the values of `inexactFiles`; what it returns writes those that have changed. @throws SyscallError */
function keepInexact(cgroup: CgroupPlan): () => void {
  const kept = new Cgroup(cgroup).places.flatMap(([hierarchy, directory]) =>
    (hierarchy === '' ? inexactFiles : inexactFilesV1).flatMap((file) => {
      const path = `${directory}/${file}`
      const before = readFileIfAny(path)
      return before === undefined
        ? []
        : [{ path, before, write: restoringWrite({ hierarchy, file, value: '' }, before) }]
    }),
  )
  return () => {
    const changed = kept.filter(({ path, before }) => readFileIfAny(path) !== before)
    applyWrites(
      cgroup,
      changed.map(({ write }) => write),
    )
  }
}

/** systemd removes a scope when its last process has gone; what is left of it then is stopped and forgotten. */
async function removeScope(kind: SystemdKind, cgroup: CgroupPlan, waiter: Waiter): Promise<void> {
  const [tracking] = new Cgroup(cgroup).directories
  if (tracking === undefined) return
  const left = await withDeadline(endLimit, (by) => endProcesses(cgroup, tracking, waiter, by))
  if (left !== undefined) throw leftError(left)
  await stopScope(kind, scopeOf(cgroup).unit, waiter)
  await removeCgroups(cgroup, waiter)
}

/** Stops and forgets a scope that may have gone. @throws SystemdError */
async function stopScope(kind: SystemdKind, unit: string, waiter: Waiter): Promise<void> {
  await withSystemd(kind, waiter, async (systemd) => {
    await systemd.job('StopUnit', 'ss', [unit, 'replace']).catch(ignoreUnknown)
    await systemd.call('ResetFailedUnit', 's', [unit]).catch(ignoreUnknown)
  })
}

function suppress(error: unknown, failure: unknown): void {
  if (isTsrunError(error)) error.suppressed.push(failure as Error)
}

function ignoreUnknown(error: unknown): void {
  if (!(error instanceof SystemdError) || error.dbusName !== 'org.freedesktop.systemd1.NoSuchUnit') throw error
}
