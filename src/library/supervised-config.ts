/** Library: the filter of a container whose system calls are decided in JavaScript. */
import type { Config, Seccomp, SeccompSyscall } from '../config/types.js'
import { UsageError } from '../errors.js'
import { ownListener } from '../launch/listener.js'
import { compileSeccomp } from '../native/binding.js'

const notifying = (rule: SeccompSyscall): boolean => rule.action === 'SCMP_ACT_NOTIFY'

/**
 * A config whose filter asks for these calls, in the place of what it says of them; rules that ask for them already, with
 * conditions, stay. Without a filter all other calls are permitted, as before.
 * @throws UsageError for a call that nobody knows, and where somebody else answers
 */
export function supervisedConfig(config: Config, names: readonly string[]): Config {
  assertKnown(names)
  const seccomp: Seccomp = config.linux?.seccomp ?? { defaultAction: 'SCMP_ACT_ALLOW' }
  if (seccomp.listenerPath) throw new UsageError('onSyscall, and linux.seccomp.listenerPath, exclude each other')
  const rules = seccomp.syscalls ?? []
  const asked = new Set(rules.filter(notifying).flatMap((rule) => rule.names))
  const others = rules
    .map((rule) => (notifying(rule) ? rule : { ...rule, names: rule.names.filter((name) => !names.includes(name)) }))
    .filter((rule) => rule.names.length > 0)
  const missing = names.filter((name) => !asked.has(name))
  const added: SeccompSyscall[] = missing.length === 0 ? [] : [{ names: missing, action: 'SCMP_ACT_NOTIFY' }]
  const changed: Seccomp = { ...seccomp, listenerPath: ownListener, syscalls: [...others, ...added] }
  return { ...config, linux: { ...config.linux, seccomp: changed } }
}

/** A filter skips names that libseccomp doesn't know. */
function assertKnown(names: readonly string[]): void {
  const allow = 0x7fff0000
  const rules = [{ names, action: 0, conditions: [] }]
  try {
    compileSeccomp({
      ...{ defaultAction: allow, architectures: [], enosysForNewer: false, failUnknown: true, rules, alsoNamed: [] },
    })
  } catch (cause) {
    throw new UsageError('onSyscall cannot be for all of these calls', { cause })
  }
}
