/** Command line: the text of `tsrun --version`. */
import { seccompVersion } from '../native/binding.js'
import { packageVersion, stateVersion } from '../core.js'
import { findProgram } from '../native/helper-process.js'

/** The versions whose command line and behaviour tsrun has, for who asks for one of at least some version. */
const peers: Readonly<Record<string, { readonly like: string; readonly spec: string; readonly features?: string }>> = {
  runc: { like: '1.5.1', spec: stateVersion },
  // crun's own specification version, and what podman and CRI-O look for; with +CRIU where that is installed.
  crun: { like: '1.29.1', spec: '1.0.0', features: '+SYSTEMD +SELINUX +APPARMOR +CAP +SECCOMP +EBPF' },
}

/**
 * One `name: value` per line; engines look for the words `version`, `commit:` and `spec:`. Called by the name
 * of a peer, its first line is the peer's, with tsrun's own version as build metadata (semver.org).
 */
export function versionText(): string {
  const { version, commit } = packageVersion()
  const { quickjs, node } = process.versions
  const program = programName(quickjs === undefined ? 1 : 0)
  const peer = Object.hasOwn(peers, program) ? peers[program] : undefined
  const lines = [peer === undefined ? `tsrun version ${version}` : `${program} version ${peer.like}+tsrun.${version}`]
  if (commit !== undefined) lines.push(`commit: ${commit}`)
  const engine = quickjs === undefined ? `node: ${node}` : `quickjs: ${quickjs}`
  lines.push(`spec: ${peer?.spec ?? stateVersion}`, engine)
  lines.push(`libseccomp: ${seccompVersion()}`)
  if (peer?.features) lines.push(peer.features + (findProgram('criu', process.env.PATH) ? ' +CRIU' : ''))
  return `${lines.join('\n')}\n`
}

/** What tsrun was called by: engines that are set up for a peer find it by a link of that name. */
function programName(place: number): string {
  const path = process.argv[place] ?? ''
  return path.slice(path.lastIndexOf('/') + 1)
}
