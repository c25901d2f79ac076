/** Command line: what --security-opt says, in the words of `docker run`. */
import { parseJson, seccompOfDocker, UsageError } from '../core.js'
import type { Overrides } from '../image/convert.js'
import { kernelRelease, machineName, readFile } from '../native/binding.js'

type Security = Pick<Overrides, 'seccomp' | 'noNewPrivileges' | 'apparmor' | 'openPaths'>

/** @throws UsageError for what tsrun has none of, SyscallError, ConfigError for a broken profile */
export const securityOf = (options: readonly string[]): Security => Object.assign({}, ...options.map(one)) as Security

/** `NAME`, `NAME=VALUE`, or as it was once, `NAME:VALUE`. */
function one(text: string): Security {
  const [, name = '', value = ''] = /^([a-z-]+)(?:[=:](.*))?$/.exec(text) ?? []
  switch (name) {
    case 'no-new-privileges':
      if (!['', 'true', 'false'].includes(value)) break
      return { noNewPrivileges: value !== 'false' }
    case 'seccomp':
      return value === 'builtin' ? {} : { seccomp: profileOf(value) }
    case 'apparmor':
      if (value === '') break
      return { apparmor: value }
    case 'systempaths':
      if (value !== 'unconfined') break
      return { openPaths: true }
    case 'label':
      // There is no label that is not asked for.
      if (value !== 'disable') break
      return {}
  }
  throw new UsageError(
    `invalid value for --security-opt: ${JSON.stringify(text)}: no-new-privileges[=false], ` +
      'seccomp=FILE|unconfined|builtin, apparmor=PROFILE, systempaths=unconfined or label=disable',
  )
}

function profileOf(path: string): NonNullable<Overrides['seccomp']> {
  if (path === 'unconfined') return () => undefined
  const document = parseJson(readFile(path), JSON.stringify(path))
  return (capabilities) => seccompOfDocker(document, { capabilities, machine: machineName(), kernel: kernelRelease() })
}
