/**
 * Stage 2, plan: the one table of everything `tsrun-init` can do. The encoder (encode.ts), the C++
 * decoder (generated at build by scripts/generate-wires.mjs) and the step names in error
 * messages all come from it, so they cannot drift apart.
 *
 * Field kinds on the wire: `u32`, `u64`, `flag` (a u32 that is 0 or 1), `text` (UTF-8, no NUL),
 * `texts`, `u32s`, `bytes`. A kind of the form `u64:mountAttr` is a u64 whose bits have names, which
 * `tsrun plan` prints (bit-names.ts); the part after the colon means nothing to native code. A list of the form
 * `texts=paths` has as many items as the field `paths`, which the generated decoder checks.
 */
export const stepTable = {
  // --- namespaces: before or while the container's own namespaces come into being
  /** Written by init itself: the file of a process that nobody may look into is closed to an ordinary user. */
  oomScoreAdj: { value: 'u32:signed' },
  joinCgroups: { paths: 'texts' },
  joinNamespaces: { paths: 'texts', types: 'u32s=paths:cloneFlag' },
  /** `exec`: all of them at once, those of the init process that the addon passes; `procfs`: labels follow. */
  enterNamespaces: { types: 'u32:cloneFlag', procfs: 'flag' },
  unshareTime: { offsets: 'text' },
  fork: { flags: 'u64:cloneFlag' },
  /**
   * Tells the parent that a stage is reached; with `wait` goes on only when the parent says so. `open`:
   * until then init's files in /proc belong to its user, for a parent that is not root.
   */
  barrier: { event: 'u32:event', wait: 'flag', open: 'flag' },
  /** Tells the parent when the next step begins: only in a plan that is traced. */
  stamp: { number: 'u32' },
  /** Waits for the end of the runtime, or of its end of the sync socket; then kills the target, and ends. */
  guard: {},
  becomeRoot: {},
  unshareCgroup: {},
  newSession: {},
  keyring: { name: 'text' },
  loopback: {},
  hostname: { name: 'text' },
  domainname: { name: 'text' },

  // --- mount sources: in a helper of the parent, which has the rights of the runtime
  /** The user namespace whose id mappings are taken where `openSource` has none of its own. */
  openUserNamespace: { path: 'text' },
  /**
   * Waits for the parent to ask for an entry of `sources`; for any but `number` goes on. Sends it as a
   * detached mount (`rootfs`: as the directory itself); or maps the ids of the mount that came with the
   * question, whose `type` is told here.
   */
  openSource: {
    number: 'u32',
    source: 'text',
    rootfs: 'flag',
    type: 'text',
    recursive: 'flag',
    /** A symbolic link itself, not what it leads to. */
    noFollow: 'flag',
    /** Asked by nobody: kept for the `mountBind` that follows. */
    held: 'flag',
    idMapped: 'flag',
    /** Also the mounts below. */
    mapBelow: 'flag',
    /** Lines of uid_map and gid_map (user_namespaces(7)). */
    uidMap: 'text',
    gidMap: 'text',
  },
  leave: {},

  // --- rootfs: built with directory fds only, before pivot_root
  propagation: { target: 'text', flags: 'u64:propagation', recursive: 'flag' },
  /**
   * `attach`: as a mount of its own, which only a mount namespace of the container's own may have; `alone`:
   * nothing that the host mounts in it later arrives.
   */
  rootfs: { path: 'text', attach: 'flag', alone: 'flag', parentSource: 'u32:parentSource' },
  mountFilesystem: {
    destination: 'text',
    type: 'text',
    source: 'text',
    options: 'texts',
    attrSet: 'u64:mountAttr',
    attrClear: 'u64:mountAttr',
    recursiveSet: 'u64:mountAttr',
    recursiveClear: 'u64:mountAttr',
    /** Each entry: an MS_* propagation bit, plus MS_REC for the recursive form. */
    propagation: 'u32s:propagation',
    /** MS_* bits that only mount(2) knows (silent, iversion); not 0 selects mount(2). */
    legacyFlags: 'u64:legacyMount',
    copyUp: 'flag',
    /** NAME=LABEL of SELinux's mount options; the label may hold commas and has no quotes. Empty: none. */
    label: 'text',
    parentSource: 'u32:parentSource',
    idMapped: 'flag',
  },
  mountBind: {
    destination: 'text',
    source: 'text',
    recursive: 'flag',
    /** Of a source that is a symbolic link: the link itself; with `copyLink` an equal one is made. */
    noFollow: 'flag',
    copyLink: 'flag',
    /** A symbolic link at the destination is covered, not followed. */
    coverLink: 'flag',
    attrSet: 'u64:mountAttr',
    attrClear: 'u64:mountAttr',
    recursiveSet: 'u64:mountAttr',
    recursiveClear: 'u64:mountAttr',
    propagation: 'u32s:propagation',
    /** Which entry of the plan's `sources`, from 1 on, the parent opens: when init may not, or if `idMapped`. */
    parentSource: 'u32:parentSource',
    idMapped: 'flag',
  },
  /** The cgroup hierarchies as the container may see them: `paths` are the container's own directories. */
  mountCgroup: {
    destination: 'text',
    /** cgroup2 | hybrid (one tmpfs with a directory for each entry of `names`). */
    version: 'u32',
    /** cgroup2: the directory that is bound without a namespace of its own, or where a new mount is refused; empty: none. */
    unified: 'text',
    names: 'texts=paths',
    paths: 'texts',
    /** `new` name sets for which a controller symlink (cpu → cpu,cpuacct) is made: `link=target`. */
    links: 'texts',
    ownNamespace: 'flag',
    attrSet: 'u64:mountAttr',
    attrClear: 'u64:mountAttr',
    propagation: 'u32s:propagation',
  },
  mountAttributes: { destination: 'text', attrSet: 'u64:mountAttr', attrClear: 'u64:mountAttr', recursive: 'flag' },
  /** `mounts remove`: takes away what is mounted there; with `look` only makes sure that something is. */
  unmount: { destination: 'text', coverLink: 'flag', look: 'flag' },
  /** `type`: S_IFCHR, S_IFBLK or S_IFIFO. */
  device: { path: 'text', type: 'u32:fileType', major: 'u32', minor: 'u32', mode: 'u32:octal', uid: 'u32', gid: 'u32' },
  symlink: { path: 'text', target: 'text' },
  hook: {
    kind: 'text',
    index: 'u32',
    path: 'text',
    args: 'texts',
    env: 'texts',
    /** The environment that `program` has made, with HOME, instead of `env`. */
    programEnv: 'flag',
    cwd: 'text',
    /** Not in the pid namespace that init has joined: others there could trace it. */
    outside: 'flag',
    /** Seconds; 0 means no limit. */
    timeout: 'u32',
    /** The state document is `statePrefix`, the pid in the container, `stateSuffix`. */
    statePrefix: 'text',
    stateSuffix: 'text',
  },
  pivotRoot: {},
  moveRoot: {},
  chroot: {},
  /** `exec`: the root that is already there, as the process's namespaces show it. */
  enterRoot: { path: 'text' },

  // --- container: after pivot_root
  /** `bind`: the terminal also appears as /dev/console (needs a mount namespace of the container's own). */
  console: { rows: 'u32', columns: 'u32', bind: 'flag' },
  /** Needs a session without one: makes the terminal of `console` that of the session. */
  controllingTerminal: {},
  mask: { paths: 'texts' },
  readonlyPath: { path: 'text' },
  sysctl: { key: 'text', value: 'text' },
  umask: { mode: 'u32:octal' },
  /** A list such as `0-3,7`, or `all`. */
  affinity: { cpus: 'text' },
  rlimit: { resource: 'u32:rlimit', soft: 'u64:limit', hard: 'u64:limit' },
  scheduler: {
    policy: 'u32:schedPolicy',
    flags: 'u64:schedFlag',
    nice: 'u32:signed',
    priority: 'u32',
    runtime: 'u64',
    deadline: 'u64',
    period: 'u64',
  },
  ioPriority: { value: 'u32' },
  personality: { domain: 'u32' },
  /** `nodes`: a list such as `0-3,7`, or empty. */
  memoryPolicy: { mode: 'u32:memoryPolicy', flags: 'u32:memoryPolicyFlag', nodes: 'text' },
  apparmor: { profile: 'text' },
  selinux: { label: 'text' },
  noNewPrivileges: {},
  stdio: { uid: 'u32' },
  workingDirectory: { path: 'text', create: 'flag' },
  boundingSet: { keep: 'u64:capability' },
  user: { uid: 'u32', gid: 'u32', groups: 'u32s', setGroups: 'flag', keepCapabilities: 'flag' },
  /** With `reserve`, these bits stay permitted (not effective) until `exec` has loaded the filter. */
  capabilities: {
    effective: 'u64:capability',
    permitted: 'u64:capability',
    inheritable: 'u64:capability',
    ambient: 'u64:capability',
    reserve: 'u64:capability',
  },
  program: { args: 'texts', env: 'texts', cwd: 'text', home: 'flag', uid: 'u32' },
  /** `late`: kept for `exec`, so that the filter need only permit execve; otherwise loaded here. */
  seccomp: { program: 'bytes', flags: 'u32:seccompFlag', late: 'flag', listener: 'flag' },
  awaitStart: {},
  exec: {},
} as const

/** The wire type of a step's field. */
export type FieldKind =
  | ('u32' | 'u64' | 'flag' | 'text' | 'texts' | 'u32s' | 'bytes')
  | (`u32:${string}` | `u64:${string}` | `u32s:${string}` | `u32s=${string}` | `texts=${string}`)

type FieldValue<K> = K extends 'text'
  ? string
  : K extends `texts${string}`
    ? readonly string[]
    : K extends `u32s${string}`
      ? readonly number[]
      : K extends 'bytes'
        ? Uint8Array
        : K extends 'flag'
          ? boolean
          : K extends `u64${string}`
            ? number | bigint
            : number

type Table = typeof stepTable

/** Name of a step, as in error messages (`step`) and in `tsrun plan`. */
export type StepName = keyof Table

/** One instruction of the plan: `op` and the fields that the table gives it. */
export type Step = {
  [N in StepName]: { readonly op: N } & { readonly [F in keyof Table[N]]: FieldValue<Table[N][F]> }
}[StepName]

/** The step with the given name. */
export type StepOf<N extends StepName> = Extract<Step, { op: N }>

/** Stages that init reports with a `barrier` step, in the order in which they happen. */
export const planEvent = { namespaces: 1, mounts: 2, created: 3 } as const
/** Name of a barrier's event. */
export type PlanEvent = keyof typeof planEvent

/** Version of the plan as `tsrun plan` prints it; init knows its own plans by the hash in their header. */
export const planVersion = 1

/** What stands in front of the steps. The addon fills in the descriptors, which are -1 until then. */
export const planHeader = {
  /** Hash of the wires' tables (wire-hash.ts): init refuses the plan of another build. */
  wireHash: 'u32',
  stepCount: 'u32',
  totalLength: 'u32',
  preserveFds: 'u32',
  syncFd: 'i32',
  startFd: 'i32',
  /** Pidfd of the container whose namespaces are entered (exec). */
  targetFd: 'i32',
} as const
