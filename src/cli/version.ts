/** Command line: the text of `tsrun --version`. */
import { seccompVersion } from '../native/binding.js'
import { stateVersion } from '../plan/oci-state.js'
import { packageVersion } from '../version.js'

/** One `name: value` per line; Docker looks for the words `version` and `commit:`. */
export function versionText(): string {
  const { version, commit } = packageVersion()
  const { quickjs, node } = process.versions
  const lines = [`tsrun version ${version}`]
  if (commit !== undefined) lines.push(`commit: ${commit}`)
  const engine = quickjs === undefined ? `node: ${node}` : `quickjs: ${quickjs}`
  lines.push(`spec: ${stateVersion}`, engine)
  lines.push(`libseccomp: ${seccompVersion()}`)
  return `${lines.join('\n')}\n`
}
