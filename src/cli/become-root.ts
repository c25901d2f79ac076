/** Command line: for who is not root: a user namespace where this process is, with the subordinate ids of the user. */
import { parseSubordinateIds, UnsupportedError } from '../core.js'
import { enterUserNamespace, hasErrno, processIds, readFileIfAny } from '../native/binding.js'
import { findProgram } from '../native/helper-process.js'

/**
 * Layers have files of many users, and only root mounts overlays: whoever is not root becomes it in a namespace of his
 * own. Nothing happens when it has happened, or to root. @throws UnsupportedError where the user has no subordinate ids
 */
export function becomeRoot(): void {
  const { euid, egid } = processIds()
  if (euid === 0) return
  const [uid, gid] = [mapping('newuidmap', '/etc/subuid', euid), mapping('newgidmap', '/etc/subgid', egid)]
  try {
    enterUserNamespace(uid, gid)
  } catch (error) {
    if (!hasErrno(error, 'EINVAL')) throw error
    throw new UnsupportedError(
      'image',
      'images are for root only where tsrun is not its static executable: Node.js has threads',
    )
  }
}

/** The tool and what it is to map: root is the user, the ids from 1 on are his subordinate ones. */
function mapping(tool: string, file: string, own: number): string[] {
  const path = findProgram(tool, process.env.PATH)
  if (path === undefined)
    throw new UnsupportedError(
      tool,
      `for who is not root images take ${tool}, which is not installed (Debian: package uidmap)`,
    )
  const ranges = parseSubordinateIds(readFileIfAny(file) ?? '', names())
  if (ranges.length === 0)
    throw new UnsupportedError(
      tool,
      `for who is not root images take subordinate ids: ${file} has no line for ${names().join(' or ')}`,
    )
  let next = 1
  const rest = ranges.flatMap(({ first, size }) => {
    const from = next
    next += size
    return [from, first, size]
  })
  return [path, ...[0, own, 1, ...rest].map(String)]
}

/** As /etc/subuid may call the user. */
function names(): string[] {
  const { euid } = processIds()
  const line = (readFileIfAny('/etc/passwd') ?? '').split('\n').find((one) => one.split(':')[2] === String(euid))
  return [...new Set([line?.split(':')[0] ?? String(euid), String(euid)])]
}
