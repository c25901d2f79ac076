/** Stage 4, launch: gives a new user namespace its ids; what only root may map, through newuidmap and newgidmap. */
import { UnsupportedError } from '../errors.js'
import { ownIdMap } from '../host/facts.js'
import {
  closeFile,
  fileInfo,
  hasAttribute,
  hasErrno,
  memoryFile,
  processIds,
  readFileIfAny,
  readTail,
  realPath,
  writeFile,
} from '../native/binding.js'
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
const keptOutput = 4096
const usualPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * Writes the id maps of a process that has just come into its user namespace.
 * @throws UnsupportedError that says what the caller may not map, and what would let it; SyscallError
 */
export async function writeIdMaps(pid: number, plan: LaunchPlan): Promise<void> {
  const { uidMappings = [], gidMappings = [], denySetgroups } = plan
  const { euid, egid } = processIds()
  if (denySetgroups) writeFile(`/proc/${pid}/setgroups`, 'deny')
  await writeMap(pid, gidMappings, { noun: 'gid', tool: 'newgidmap', file: '/etc/subgid', own: egid })
  await writeMap(pid, uidMappings, { noun: 'uid', tool: 'newuidmap', file: '/etc/subuid', own: euid })
}

/** The kernel decides whether this process may; when it may not, a program that may is asked. */
async function writeMap(pid: number, maps: readonly IdMapping[], kind: Kind): Promise<void> {
  try {
    writeFile(`/proc/${pid}/${kind.noun}_map`, idMapText(maps))
  } catch (error) {
    if (!hasErrno(error, 'EPERM')) throw error
    if (processIds().euid === 0) throw refusal(maps, kind, notMappedHere(maps, kind))
    await callTool(pid, maps, kind)
  }
}

/** Root of a user namespace may pass on the ids that are mapped into it, and no others. */
function notMappedHere(maps: readonly IdMapping[], { noun }: Kind): string {
  const mapped = ownIdMap(noun).map(({ containerID, size }) => ({ first: containerID, size }))
  const missing = missingRanges(maps.map(hostRange), mapped)
  if (missing.length === 0) return `it takes CAP_SET${noun.toUpperCase()}, which this process does not have`
  return `the user namespace of tsrun has no ${noun} ${describeRanges(missing)} (/proc/self/${noun}_map)`
}

async function callTool(pid: number, maps: readonly IdMapping[], kind: Kind): Promise<void> {
  const { tool } = kind
  const path = findTool(tool)
  if (path === undefined) {
    throw refusal(maps, kind, `it takes ${tool}, which is not installed (Debian: package uidmap, Fedora: shadow-utils)`)
  }
  const ids = maps.flatMap(({ containerID, hostID, size }) => [containerID, hostID, size])
  const { code, output } = await run(path, [pid, ...ids].map(String))
  if (code === 0) return
  throw refusal(maps, kind, explain(path, maps, kind) ?? `${path}: ${output.trim() || `exit status ${code}`}`)
}

function findTool(name: string): string | undefined {
  const directories = `${process.env.PATH ?? ''}:${usualPath}`.split(':').filter((one) => one.startsWith('/'))
  return directories.map((one) => `${one}/${name}`).find(isFile)
}

/** A directory of the PATH may be closed to this user. */
function isFile(path: string): boolean {
  try {
    return ['file', 'link'].includes(fileInfo(path)?.type ?? '')
  } catch {
    return false
  }
}

async function run(path: string, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const { spawn } = await import('node:child_process') // only maps of several ids pay for it
  const output = memoryFile('output', '')
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      const child = spawn(path, args, { env: {}, cwd: '/', stdio: ['ignore', output, output] })
      child.on('error', reject)
      child.on('exit', resolve)
    })
    return { code, output: readTail(output, keptOutput) }
  } catch (cause) {
    return { code: null, output: (cause as Error).message }
  } finally {
    closeFile(output)
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
