/** Stage 3, state: whether others could change what is kept below a state root, and so what tsrun does as root. */
import { StoreError } from '../errors.js'
import { isInUserNamespace } from '../host/facts.js'
import { fileInfo, processIds } from '../native/binding.js'

const groupOrOthers = 0o022
const sticky = 0o1000

/**
 * Looks at the root and all above it. A symbolic link of somebody else leads where they like.
 * @returns what is wrong with it, as warnings
 * @throws StoreError for such a link
 */
export function distrust(root: string): string[] {
  const warnings: string[] = []
  for (let at = root; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
    const info = fileInfo(at)
    if (info === undefined) continue
    const foreign = info.uid !== 0 && info.uid !== processIds().euid && !isInUserNamespace()
    if (info.type === 'link' && foreign)
      throw new StoreError(
        `${JSON.stringify(at)} in the path of the state root is a symbolic link of user ${info.uid}`,
        at,
      )
    if (info.type !== 'directory') continue
    if (foreign) warnings.push(`the state root can be changed by user ${info.uid}, who owns ${JSON.stringify(at)}`)
    // With the sticky bit nobody can rename what is another's; the root itself is for its owner alone.
    if ((info.mode & groupOrOthers) !== 0 && (at === root || (info.mode & sticky) === 0))
      warnings.push(`the state root can be changed by others: ${JSON.stringify(at)} has mode ${info.mode.toString(8)}`)
  }
  return warnings
}
