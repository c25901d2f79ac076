/** Stage 4, launch: gives a new user namespace its ids; what only root may map, through newuidmap and newgidmap. */
import { UnsupportedError } from '../errors.js'
import { ownIdMap } from '../host/facts.js'
import { fileInfo, hasAttribute, hasErrno, processIds, readFileIfAny, realPath, writeFile } from '../native/binding.js'
import { describeEnd, findProgram, runHelper } from '../native/helper-process.js'
import type { Waiter } from '../native/wait.js'
import { idMapText } from '../plan/sources.js'
import type { IdMapping, LaunchPlan } from '../plan/types.js'
import { describeRanges, hostRange, missingRanges, parseSubordinateIds } from '../plan/subordinate-ids.js'

/** What differs between users and groups. */
interface Kind {
  readonly noun: 'uid' | 'gid'
  readonly tool: string
  readonly file: string
  readonly own: number
}

const setUserId = 0o4000

/**
 * Writes the id maps of a process that has just come into its user namespace.
 * @throws UnsupportedError that says what the caller may not map, and what would let it; SyscallError
 */
export async function writeIdMaps(pid: number, plan: LaunchPlan, waiter: Waiter): Promise<void> {
  const { uidMappings = [], gidMappings = [], denySetgroups } = plan
  const { euid, egid } = processIds()
  if (denySetgroups) writeFile(`/proc/${pid}/setgroups`, 'deny')
  await writeMap(pid, gidMappings, { noun: 'gid', tool: 'newgidmap', file: '/etc/subgid', own: egid }, waiter)
  await writeMap(pid, uidMappings, { noun: 'uid', tool: 'newuidmap', file: '/etc/subuid', own: euid }, waiter)
}

/** The kernel decides whether this process may; when it may not, a program that may is asked. */
async function writeMap(pid: number, maps: readonly IdMapping[], kind: Kind, waiter: Waiter): Promise<void> {
  try {
    writeFile(`/proc/${pid}/${kind.noun}_map`, idMapText(maps))
  } catch (error) {
    if (!hasErrno(error, 'EPERM')) throw error
    if (processIds().euid === 0) throw refusal(maps, kind, notMappedHere(maps, kind))
    await callTool(pid, maps, kind, waiter)
  }
}

/** Root of a user namespace may pass on the ids that are mapped into it, and no others. */
function notMappedHere(maps: readonly IdMapping[], { noun }: Kind): string {
  const mapped = ownIdMap(noun).map(({ containerID, size }) => ({ first: containerID, size }))
  const missing = missingRanges(maps.map(hostRange), mapped)
  if (missing.length === 0) return `it takes CAP_SET${noun.toUpperCase()}, which this process does not have`
  return `the user namespace of tsrun has no ${noun} ${describeRanges(missing)} (/proc/self/${noun}_map)`
}

async function callTool(pid: number, maps: readonly IdMapping[], kind: Kind, waiter: Waiter): Promise<void> {
  const { tool } = kind
  const path = findProgram(tool, process.env.PATH)
  if (path === undefined) {
    throw refusal(maps, kind, `it takes ${tool}, which is not installed (Debian: package uidmap, Fedora: shadow-utils)`)
  }
  const ids = maps.flatMap(({ containerID, hostID, size }) => [containerID, hostID, size])
  const { done, output } = await run(path, [pid, ...ids].map(String), waiter)
  if (done) return
  throw refusal(maps, kind, explain(path, maps, kind) ?? `${path}: ${output}`)
}

/** What it says, and whether it did it. */
async function run(path: string, args: readonly string[], waiter: Waiter): Promise<{ done: boolean; output: string }> {
  try {
    const { status, output } = await runHelper({ path, args: [path, ...args], env: [], cwd: '/' }, waiter)
    const done = status !== null && 'code' in status && status.code === 0
    return { done, output: output.trim() || describeEnd(status) }
  } catch (cause) {
    return { done: false, output: (cause as Error).message }
  }
}

/** Why the program could not do it, as far as that can be seen from here. */
function explain(path: string, maps: readonly IdMapping[], kind: Kind): string | undefined {
  const { noun, file, own } = kind
  const user = loginName()
  const ranges = maps.map(hostRange).filter(({ first, size }) => first !== own || size !== 1)
  const missing = missingRanges(
    ranges,
    parseSubordinateIds(readFileIfAny(file) ?? '', [user, String(processIds().euid)]),
  )
  if (missing.length > 0) {
    const lines = missing.map(({ first, size }) => `"${user}:${first}:${size}"`).join(' and ')
    return `${user} has no right to ${noun} ${describeRanges(missing)}; to give it, add to ${file} the line ${lines}`
  }
  const real = realPath(path)
  const info = fileInfo(real)
  const isPrivileged =
    (info !== undefined && (info.mode & setUserId) !== 0 && info.uid === 0) || hasAttribute(real, 'security.capability')
  if (!isPrivileged) return `${path} has neither the set-user-ID bit nor a file capability (as root: chmod u+s ${path})`
  if (/^NoNewPrivs:\s*1$/m.test(readFileIfAny('/proc/self/status') ?? '')) {
    return `no_new_privs is set for tsrun, with which ${path} gets no privileges`
  }
  return undefined
}

/** By that name /etc/subuid knows the user; by the number where there is none. */
function loginName(): string {
  const { euid } = processIds()
  const line = (readFileIfAny('/etc/passwd') ?? '').split('\n').find((one) => one.split(':')[2] === String(euid))
  return line?.split(':')[0] ?? String(euid)
}

function refusal(maps: readonly IdMapping[], { noun, tool }: Kind, reason: string): UnsupportedError {
  const wanted = describeRanges(maps.map(hostRange))
  return new UnsupportedError(tool, `cannot map ${noun} ${wanted} of the host into the container: ${reason}`)
}
