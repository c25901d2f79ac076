/** Stage 4, launch: changes what a running container may use of caches and memory bandwidth (resctrl). */
import { pointer } from '../config/pointer.js'
import { schemataAreLines } from '../config/rules/intel-rdt.js'
import { ConfigError, UnsupportedError, type ConfigIssue } from '../errors.js'
import { probeHost } from '../host/facts.js'
import { readFile } from '../native/binding.js'
import { assertResctrl, planIntelRdt, planSchemata, type RdtSchemas } from '../plan/intel-rdt.js'
import type { RdtRecord, StateRecord } from '../state/record.js'
import { Cgroup } from '../cgroup/cgroup.js'
import { assertRdtFits, joinRdtWithAll, makeRdtGroups, rdtRecord, removeRdt, writeSchema } from './intel-rdt.js'
import { Rollback } from './rollback.js'

/** @throws ConfigError for what is no schema */
export function checkSchemas(intelRdt: RdtSchemas): void {
  const issues: ConfigIssue[] = []
  schemataAreLines({ linux: { intelRdt } }, (at, message) => issues.push({ pointer: pointer(at), message }))
  if (issues.length > 0) throw ConfigError.from(issues)
}

/**
 * Changes the schemata of the container's group, all or none. A container without a group gets one of its own,
 * with all its processes in it, which `save` is to write down before anything is made.
 * @returns what takes it back; undefined where nothing is asked for
 * @throws UnsupportedError, ConfigError, SyscallError
 */
export function updateRdt(
  record: StateRecord,
  schemas: RdtSchemas,
  save: (record: StateRecord) => void,
): (() => void) | undefined {
  const texts = planSchemata(schemas)
  if (texts.length === 0) return undefined
  if (record.intelRdt !== undefined) return changeSchemata(record.intelRdt, texts)
  const { resctrl } = probeHost({ apparmor: false, selinux: false, resctrl: true })
  assertResctrl(resctrl)
  const plan = planIntelRdt({ intelRdt: schemas }, record.id, resctrl)
  if (plan === undefined) return undefined
  assertRdtFits(plan)
  const made = rdtRecord(plan)
  const undo = (): void => {
    removeRdt(made)
    save(record)
  }
  save({ ...record, intelRdt: made })
  try {
    // What it has made is in the record, for `undo`.
    makeRdtGroups(plan, new Rollback())
    joinRdtWithAll(made, () => accountedProcesses(record))
  } catch (error) {
    undo()
    throw error
  }
  return undo
}

function changeSchemata({ root, group }: RdtRecord, texts: readonly string[]): () => void {
  if (group === root) {
    throw new UnsupportedError('update', `the schemata of "${root}" are those of all processes that are in no group`)
  }
  const before = readFile(`${group}/schemata`)
  const undo = (): void => writeSchema(root, group, before.trimEnd())
  try {
    for (const text of texts) writeSchema(root, group, text)
  } catch (error) {
    undo()
    throw error
  }
  return undo
}

/** Without a cgroup of its own only init is known. */
function accountedProcesses({ cgroup, pid }: StateRecord): number[] {
  const found = new Cgroup(cgroup).processes()
  return found.length > 0 ? found : [pid]
}
