/**
 * Stage 1, config: annotations that change what tsrun does: those of crun (`run.oci.*`) that engines and
 * their users rely on. docs/annotations.md tells about each. Others are for the engine, and only kept.
 */

/** Kinds of the SELinux mount option that `run.oci.mount_context_type` chooses from (mount(8)). */
export const mountContexts = ['context', 'fscontext', 'defcontext', 'rootcontext'] as const

/** The SELinux mount option that linux.mountLabel is given with. */
export type MountContext = (typeof mountContexts)[number]

/** Files that get the output of hooks. */
export interface HookOutput {
  readonly stdout?: string
  readonly stderr?: string
}

/** Names of the annotations that are obeyed. */
export const annotationName = {
  keepGroups: 'run.oci.keep_original_groups',
  mountContext: 'run.oci.mount_context_type',
  hookStdout: 'run.oci.hooks.stdout',
  hookStderr: 'run.oci.hooks.stderr',
  pidfdReceiver: 'run.oci.pidfd_receiver',
  seccompReceiver: 'run.oci.seccomp.receiver',
  failUnknownSyscall: 'run.oci.seccomp_fail_unknown_syscall',
} as const

/**
 * Annotations that are refused, and why: what they ask for would not be there, and a container that
 * looks as if it had it is worse than an error. An empty value asks for nothing.
 */
export const refusedAnnotations: Readonly<Record<string, string>> = {
  'run.oci.handler': 'tsrun runs programs of the container only, it has no other handlers',
  'run.oci.seccomp.plugins': 'tsrun loads no libraries into itself',
  'run.oci.seccomp_bpf_data': 'tsrun takes filters from linux.seccomp only, which can be checked',
  'run.oci.timens_offset': 'linux.timeOffsets says the same',
  'run.oci.systemd.force_cgroup_v1': 'tsrun shows a container the cgroup hierarchies that the host has',
  'run.oci.systemd.subgroup':
    'tsrun makes no cgroup between the scope and the container; only an empty value is allowed',
  'run.oci.delegate-cgroup':
    'a container with a cgroup namespace and a writable cgroup mount owns its cgroup, and makes those below it by itself',
}

/** What the annotations ask for. */
export interface AnnotationSettings {
  /** The process keeps the supplementary groups of the runtime's caller; additionalGids are not set. */
  readonly keepGroups: boolean
  readonly mountContext: MountContext
  readonly hookOutput: HookOutput
  /** Unix socket that receives a pidfd of init, as `--pidfd-socket`. */
  readonly pidfdReceiver?: string
  /** Stands in for linux.seccomp.listenerPath. */
  readonly seccompReceiver?: string
  /** A system call that libseccomp does not know is an error, not skipped. */
  readonly failUnknownSyscall: boolean
}

/** Reads the annotations of a config that has passed the rules. */
export function readAnnotations(annotations: Readonly<Record<string, string>> = {}): AnnotationSettings {
  const value = (name: string): string | undefined =>
    Object.hasOwn(annotations, name) ? annotations[name] || undefined : undefined
  const stdout = value(annotationName.hookStdout)
  const stderr = value(annotationName.hookStderr)
  const pidfdReceiver = value(annotationName.pidfdReceiver)
  const seccompReceiver = value(annotationName.seccompReceiver)
  const mountContext = value(annotationName.mountContext)
  return {
    // These two count by being there, whatever they say.
    keepGroups: Object.hasOwn(annotations, annotationName.keepGroups),
    failUnknownSyscall: Object.hasOwn(annotations, annotationName.failUnknownSyscall),
    mountContext: mountContexts.find((name) => name === mountContext) ?? 'context',
    hookOutput: { ...(stdout ? { stdout } : {}), ...(stderr ? { stderr } : {}) },
    ...(pidfdReceiver ? { pidfdReceiver } : {}),
    ...(seccompReceiver ? { seccompReceiver } : {}),
  }
}
