/** Command line: the text of `tsrun --version`. */
import { seccompVersion } from '../native/binding.js'
import { stateVersion } from '../plan/hooks.js'
import { packageVersion } from '../version.js'

/** One `name: value` per line; Docker looks for the words `version` and `commit:`. */
export function versionText(): string {
  const { version, commit } = packageVersion()
  const { bun, node } = process.versions
  const lines = [`tsrun version ${version}`]
  if (commit !== undefined) lines.push(`commit: ${commit}`)
  lines.push(`spec: ${stateVersion}`, bun === undefined ? `node: ${node}` : `bun: ${bun}`)
  lines.push(`libseccomp: ${seccompVersion()}`)
  return `${lines.join('\n')}\n`
}
