/** The features document (features.md of the runtime spec): what this build can do, whatever the host can; but CRIU is the host's. */
import { hookNames, memoryPolicyFlag, memoryPolicyMode } from './config/vocabulary/linux.js'
import { mountOptionNames } from './config/vocabulary/mounts.js'
import { namespaceType } from './config/vocabulary/namespaces.js'
import { capabilityNames } from './config/vocabulary/process.js'
import { seccompAction, seccompArchitecture, seccompFlag, seccompOperator } from './config/vocabulary/seccomp.js'
import { seccompVersion } from './native/binding.js'
import { findProgram } from './native/helper-process.js'
import { stateVersion } from './plan/oci-state.js'
import { packageVersion } from './version.js'

/** The document's members that tsrun fills in (features.md, features-linux.md). */
export interface Features {
  readonly ociVersionMin: string
  readonly ociVersionMax: string
  readonly hooks: readonly string[]
  readonly mountOptions: readonly string[]
  readonly linux: {
    readonly namespaces: readonly string[]
    readonly capabilities: readonly string[]
    readonly cgroup: Readonly<Record<'v1' | 'v2' | 'systemd' | 'systemdUser' | 'rdma', boolean>>
    readonly seccomp: SeccompFeatures
    readonly apparmor: Switch
    readonly selinux: Switch
    readonly intelRdt: Switch & Readonly<Record<'schemata' | 'monitoring', boolean>>
    readonly mountExtensions: { readonly idmap: Switch }
    readonly netDevices: Switch
    readonly memoryPolicy: { readonly modes: readonly string[]; readonly flags: readonly string[] }
  }
  readonly annotations: Readonly<Record<string, string>>
  /** An engine should not let everybody set these; a name that ends with `.` stands for all that begin with it. */
  readonly potentiallyUnsafeConfigAnnotations: readonly string[]
}

/** Whether there is such a thing. */
export interface Switch {
  readonly enabled: boolean
}

/** What a filter can say (features-linux.md "seccomp"). */
export interface SeccompFeatures extends Switch {
  readonly actions: readonly string[]
  readonly operators: readonly string[]
  readonly archs: readonly string[]
  readonly knownFlags: readonly string[]
  readonly supportedFlags: readonly string[]
}

/** The features document; lists whose order has no meaning are sorted. */
export function features(): Features {
  const { version, commit } = packageVersion()
  const libseccomp = seccompVersion()
  return {
    ociVersionMin: '1.0.0',
    ociVersionMax: stateVersion,
    hooks: hookNames,
    mountOptions: mountOptionNames().toSorted(),
    linux: {
      namespaces: Object.keys(namespaceType).sort(),
      capabilities: capabilityNames,
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: seccompFeatures(libseccomp),
      apparmor: { enabled: true },
      selinux: { enabled: true },
      intelRdt: { enabled: true, schemata: true, monitoring: true },
      mountExtensions: { idmap: { enabled: true } },
      netDevices: { enabled: true },
      memoryPolicy: { modes: Object.keys(memoryPolicyMode).sort(), flags: Object.keys(memoryPolicyFlag).sort() },
    },
    annotations: {
      'io.github.seccomp.libseccomp.version': libseccomp,
      'org.opencontainers.runc.checkpoint.enabled': String(findProgram('criu', process.env.PATH) !== undefined),
      'org.tsrun.version': version,
      ...(commit === undefined ? {} : { 'org.tsrun.commit': commit }),
    },
    potentiallyUnsafeConfigAnnotations: ['org.criu.config', 'org.systemd.property.', 'run.oci.'],
  }
}

/** Flags are passed to seccomp(2) by tsrun itself, so what is known is supported. */
function seccompFeatures(libseccomp: string): SeccompFeatures {
  const minor = Number(libseccomp.split('.')[1])
  const architectures = Object.entries(seccompArchitecture).filter(([, { since }]) => since <= minor)
  const flags = Object.keys(seccompFlag).sort()
  return {
    enabled: true,
    actions: Object.keys(seccompAction).sort(),
    operators: Object.keys(seccompOperator).sort(),
    archs: architectures.map(([name]) => name).sort(),
    knownFlags: flags,
    supportedFlags: flags,
  }
}
