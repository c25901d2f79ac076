/** Cgroup: writes limits to cgroups. */
import { SyscallError, UnsupportedError } from '../errors.js'
import { errnoName, describeFailure, readFile, readFileIfAny, writeCgroup } from '../native/binding.js'
import type { CgroupWrite } from '../plan/resources/types.js'
import type { CgroupPlan } from '../plan/types.js'
import { usageOf } from './v1.js'

/** The container's directory in a hierarchy (`''`: the unified one). */
export const directoryIn = (cgroup: CgroupPlan, hierarchy: string): string | undefined =>
  hierarchy === '' ? cgroup.unified : cgroup.v1[hierarchy]

/**
 * Writes values in their order, one batch per hierarchy.
 * @throws UnsupportedError when the host lacks a controller, SyscallError that names file, value and errno
 */
export function applyWrites(cgroup: CgroupPlan, writes: readonly CgroupWrite[]): void {
  for (const hierarchy of new Set(writes.map((write) => write.hierarchy))) {
    const directory = directoryIn(cgroup, hierarchy)
    if (directory === undefined)
      throw new UnsupportedError('cgroup', `no cgroup in the ${hierarchy || 'unified'} hierarchy`)
    writeAll(
      directory,
      writes.filter((write) => write.hierarchy === hierarchy),
    )
  }
}

function writeAll(directory: string, writes: readonly CgroupWrite[]): void {
  for (const { usage, value } of writes) {
    if (usage) assertUsage(`${directory}/${usage.file}`, usage.atMost, value)
  }
  let pending = [...writes]
  while (pending.length > 0) {
    const rejected = writeCgroup(
      directory,
      pending.map(({ file, value }) => [file, value] as const),
    )
    if (rejected === undefined) return
    const { index, errno } = rejected
    const failed = pending[index] as CgroupWrite
    const name = errnoName(errno)
    pending = pending.slice(index + 1)
    if (name === 'ENOENT' && failed.otherwise !== undefined) {
      if (failed.otherwise !== 'skip') pending.unshift({ hierarchy: failed.hierarchy, ...failed.otherwise })
    } else if (failed.retry && name === 'EINVAL' && pending.length > 0) {
      const { retry: _, ...last } = failed
      pending.push(last)
    } else {
      throw writeError(directory, failed, rejected)
    }
  }
}

/** checkBeforeUpdate: the kernel would accept the limit and start killing. */
function assertUsage(path: string, atMost: number, value: string): void {
  const usage = Number(readFile(path))
  if (usage <= atMost) return
  throw new SyscallError(`unable to set memory limit to ${value} (current usage: ${usage})`, {
    side: 'parent',
    step: 'cgroup',
    syscall: 'write',
    errno: 16,
    errnoName: 'EBUSY',
    path,
  })
}

/** The error for a value that a file did not take; names the controller where that is what is missing. */
export function writeError(
  directory: string,
  { file, value }: Pick<CgroupWrite, 'file' | 'value'>,
  { syscall, errno }: { readonly syscall: string; readonly errno: number },
): Error {
  const path = `${directory}/${file}`
  const name = errnoName(errno)
  const missing = name === 'ENOENT' ? missingController(directory, file) : undefined
  if (missing !== undefined) return missing
  const usage = name === 'EBUSY' ? usageOf(directory) : ''
  const message = `cannot set ${file} to ${JSON.stringify(value)}: ${describeFailure(syscall, errno, path)}${usage}`
  const failure = { side: 'parent', step: 'cgroup', syscall, errno, errnoName: name } as const
  return new SyscallError(message, { ...failure, path, detail: value })
}

/** On cgroup v2 a file is missing when its controller is; elsewhere, or else, the kernel doesn't know the file. */
function missingController(directory: string, file: string): Error | undefined {
  const controller = file.slice(0, Math.max(file.indexOf('.'), 0))
  if (controller === '') {
    return new UnsupportedError(file, `cgroup file ${JSON.stringify(file)} must have the form CONTROLLER.PARAMETER`)
  }
  const enabled = readFileIfAny(`${directory}/cgroup.controllers`)
  if (enabled === undefined || controller === 'cgroup' || enabled.trim().split(' ').includes(controller))
    return undefined
  const message = `cannot set ${file}: controller ${JSON.stringify(controller)} is not in ${directory}/cgroup.controllers`
  return new UnsupportedError(`cgroup controller ${controller}`, message)
}
