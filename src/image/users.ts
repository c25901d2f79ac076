/** Images: users and groups by the image's own /etc/passwd and /etc/group. Pure. */
import type { User } from '../config/types.js'
import { ImageError } from '../errors.js'

/** The two files of the image; empty where it has none. */
export interface Accounts {
  readonly passwd: string
  readonly group: string
}

const largestId = 0xfffffffe

/**
 * `USER[:GROUP]`, names or numbers, as image-spec's conversion has it: without a group the user's own, and those that
 * /etc/group has it in; `more` are groups besides. @throws ImageError for a name that the image does not know
 */
export function resolveUser(text: string, { passwd, group }: Accounts, more: readonly string[] = []): User {
  const [name = '', groupName, ...others] = text.split(':')
  if (others.length > 0) throw new ImageError(`${JSON.stringify(text)} is no user: USER[:GROUP]`)
  const users = rows(passwd)
  const groups = rows(group)
  const entry = find(users, name === '' ? '0' : name)
  const uid = idOf(entry?.[2]) ?? idOf(name === '' ? '0' : name)
  if (uid === undefined) throw new ImageError(`the image has no user ${JSON.stringify(name)} in its /etc/passwd`)
  const groupOf = (wanted: string): number => {
    const gid = idOf(find(groups, wanted)?.[2]) ?? idOf(wanted)
    if (gid === undefined) throw new ImageError(`the image has no group ${JSON.stringify(wanted)} in its /etc/group`)
    return gid
  }
  const named = groupName !== undefined && groupName !== ''
  const gid = named ? groupOf(groupName) : (idOf(entry?.[3]) ?? 0)
  const isMember = ([, , , members = '']: readonly string[]): boolean =>
    entry !== undefined && members.split(',').includes(entry[0] ?? '')
  const own = named ? [] : groups.filter(isMember).flatMap(([, , id]) => idOf(id) ?? [])
  const additionalGids = [...new Set([...own, ...more.map(groupOf)])].filter((id) => id !== gid)
  return { uid, gid, ...(additionalGids.length === 0 ? {} : { additionalGids }) }
}

const rows = (file: string): string[][] => file.split('\n').map((line) => line.split(':'))

/** By name, and what is a number also by that. */
const find = (table: readonly string[][], key: string): string[] | undefined =>
  table.find(([name]) => name === key) ?? (/^\d+$/.test(key) ? table.find(([, , id]) => id === key) : undefined)

function idOf(text: string | undefined): number | undefined {
  const id = text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : NaN
  return id <= largestId ? id : undefined
}
