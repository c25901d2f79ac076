/** The features document (features.md of the runtime spec): what this build can do, whatever the host can. */
import { mountOptionNames } from './config/mount-options.js'
import type { Hooks, SeccompArch } from './config/types.js'
import { seccompVersion } from './native/binding.js'
import { stateVersion } from './plan/hooks.js'
import { capabilityNames } from './plan/identity.js'
import { memoryPolicyFlag, memoryPolicyMode } from './plan/memory-policy.js'
import { cloneFlag } from './plan/namespaces.js'
import { seccompAction, seccompFlag, seccompOperator } from './plan/seccomp.js'
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
    readonly intelRdt: Switch
    readonly mountExtensions: { readonly idmap: Switch }
    readonly netDevices: Switch
    readonly memoryPolicy: { readonly modes: readonly string[]; readonly flags: readonly string[] }
  }
  readonly annotations: Readonly<Record<string, string>>
  /** An engine should not let everybody set these; a name that ends with `.` stands for all that begin with it. */
  readonly potentiallyUnsafeConfigAnnotations: readonly string[]
}

interface Switch {
  readonly enabled: boolean
}

interface SeccompFeatures extends Switch {
  readonly actions: readonly string[]
  readonly operators: readonly string[]
  readonly archs: readonly string[]
  readonly knownFlags: readonly string[]
  readonly supportedFlags: readonly string[]
}

/** In the order in which they run. */
const hookNames = Object.keys({
  prestart: true,
  createRuntime: true,
  createContainer: true,
  startContainer: true,
  poststart: true,
  poststop: true,
} satisfies Record<keyof Hooks, true>)

/** The minor version of libseccomp 2 that brought an architecture; 5 is the oldest that tsrun builds with. */
const architectureSince: Readonly<Record<SeccompArch, 5 | 6>> = {
  SCMP_ARCH_X86: 5,
  SCMP_ARCH_X86_64: 5,
  SCMP_ARCH_X32: 5,
  SCMP_ARCH_ARM: 5,
  SCMP_ARCH_AARCH64: 5,
  SCMP_ARCH_LOONGARCH64: 6,
  SCMP_ARCH_M68K: 6,
  SCMP_ARCH_MIPS: 5,
  SCMP_ARCH_MIPS64: 5,
  SCMP_ARCH_MIPS64N32: 5,
  SCMP_ARCH_MIPSEL: 5,
  SCMP_ARCH_MIPSEL64: 5,
  SCMP_ARCH_MIPSEL64N32: 5,
  SCMP_ARCH_PPC: 5,
  SCMP_ARCH_PPC64: 5,
  SCMP_ARCH_PPC64LE: 5,
  SCMP_ARCH_S390: 5,
  SCMP_ARCH_S390X: 5,
  SCMP_ARCH_SH: 6,
  SCMP_ARCH_SHEB: 6,
  SCMP_ARCH_PARISC: 5,
  SCMP_ARCH_PARISC64: 5,
  SCMP_ARCH_RISCV64: 5,
}

/** The features document; lists whose order has no meaning are sorted. */
export function features(): Features {
  const { version, commit } = packageVersion()
  const libseccomp = seccompVersion()
  return {
    ociVersionMin: '1.0.0',
    ociVersionMax: stateVersion,
    hooks: hookNames,
    mountOptions: supportedMountOptions(),
    linux: {
      namespaces: Object.keys(cloneFlag).sort(),
      capabilities: capabilityNames,
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: seccompFeatures(libseccomp),
      apparmor: { enabled: true },
      selinux: { enabled: true },
      intelRdt: { enabled: true },
      mountExtensions: { idmap: { enabled: true } },
      netDevices: { enabled: true },
      memoryPolicy: { modes: Object.keys(memoryPolicyMode).sort(), flags: Object.keys(memoryPolicyFlag).sort() },
    },
    annotations: {
      'io.github.seccomp.libseccomp.version': libseccomp,
      'org.tsrun.version': version,
      ...(commit === undefined ? {} : { 'org.tsrun.commit': commit }),
    },
    potentiallyUnsafeConfigAnnotations: ['org.systemd.property.', 'run.oci.'],
  }
}

/** All of the spec's table. */
function supportedMountOptions(): string[] {
  return Object.values(mountOptionNames).flat().sort()
}

/** Flags are passed to seccomp(2) by tsrun itself, so what is known is supported. */
function seccompFeatures(libseccomp: string): SeccompFeatures {
  const minor = Number(libseccomp.split('.')[1])
  const architectures = Object.entries(architectureSince).filter(([, since]) => since <= minor)
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
