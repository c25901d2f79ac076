/** What the functions of addon-table.ts take and give: names, and objects with members. It imports nothing: the generator compiles it alone. */

/** Closed sets of names: an `enum class` in C++, whose numbers are places in the list. */
export const enumTable = {
  /** What init tells; `end` is no frame: it has closed its end of the socket. */
  frameType: ['end', 'failure', 'event', 'child', 'console', 'listener', 'hook', 'source', 'stamp'],
  fileType: ['file', 'directory', 'link', 'socket', 'other'],
  /** Letters of the OCI config; `a` is both others. */
  deviceType: ['a', 'b', 'c'],
  /** What `probe` tries. */
  probeName: [
    ...['openat2', 'clone3', 'newMounts', 'pidfd', 'userNamespace', 'mountNamespace', 'timeNamespace'],
    ...['overlay', 'overlayInUserNamespace', 'idMappedMount', 'seccompKill', 'seccompLog', 'seccompNotify'],
  ],
  /**
   * What is done with a cgroup and all those below it: their processes are listed; THAWED is written to their
   * freezer.state (cgroup v1), the deepest first; those below the first are removed where they are not busy.
   */
  subtreeWork: ['list', 'thaw', 'remove'],
} as const

/** Objects with these members; all of them are there. */
export const recordTable = {
  /**
   * A frame from init; which members matter depends on its type. On the wire: the numbers in front of the
   * texts (struct FrameHead), then each text with its NUL. `fd` is the attached descriptor (close-on-exec), or -1.
   */
  frame: {
    type: 'frameType',
    /** Place in the plan's step table. */
    step: 'u32',
    errno: 'i32',
    /**
     * event: the barrier's; child: pid; listener: number in init; hook: index; source: number, from 1 on; stamp: the
     * clock in microseconds, its lower 32 bits, while `errno` is the number of the step that begins.
     */
    value: 'u32',
    syscall: 'text',
    path: 'text',
    detail: 'text',
    fd: 'fd',
  },
  launchRequest: {
    plan: 'bytes',
    /** CLONE_NEW* */
    cloneFlags: 'u64',
    /** Directory of the cgroup2 group to be born in, or -1. */
    cgroupFd: 'i32',
    /** Listening start socket that init inherits, or -1. */
    startFd: 'i32',
    /** What become 0, 1 and 2. */
    stdio: 'i32s',
    /** Descriptors 3 to 2 + n are passed on. */
    preserveFds: 'u32',
    /** Pidfd of the init process whose namespaces the plan enters, or -1. */
    targetFd: 'i32',
    /** CPU list to be born on, empty for the caller's. */
    cpus: 'text',
  },
  spawnRequest: {
    /** Of the program; no PATH is searched. */
    path: 'path',
    /** From argv[0] on. */
    args: 'texts',
    /** `NAME=value`; undefined: the caller's own. */
    env: 'texts?',
    cwd: 'path',
    /** Become 0, 1, 2, …; the program gets no others. */
    descriptors: 'i32s',
    /** Directories, each bound to a second one in a mount namespace of the program's own; none: in the caller's. */
    binds: 'pairs',
    /** Name of a session keyring to join or make; without it the caller's. */
    keyring: 'text?',
    /** It is killed when the caller's thread ends. */
    endsWithCaller: 'boolean',
  },
  /** Both descriptors are close-on-exec and belong to the caller; `sync` is our end of the sync socket. */
  launched: { pid: 'i32', pidfd: 'fd', sync: 'fd' },
  /** A launch in a thread: an eventfd that becomes readable when it is done, and its number. */
  startedLaunch: { notice: 'fd', job: 'u32' },
  /** A system call that waits for an answer, of a thread; `name` is empty for one that libseccomp doesn't know. */
  notification: {
    ...{ id: 'u64', pid: 'i32', name: 'text' },
    ...{ arg0: 'u64', arg1: 'u64', arg2: 'u64', arg3: 'u64', arg4: 'u64', arg5: 'u64' },
  },
  /** The ends of a pipe. */
  openedPipe: { read: 'fd', write: 'fd' },
  /** A program that was started with one end of a SOCK_SEQPACKET pair, and ours. */
  service: { pidfd: 'fd', socket: 'fd' },
  /** The write that the kernel did not take; those before it are done. */
  rejectedWrite: { index: 'u32', syscall: 'text', errno: 'i32' },
  /** `operation`: the rtnetlink(7) message that was refused; `words`: more than errno says, may be empty. */
  rejectedDevice: { index: 'u32', operation: 'text', errno: 'i32', words: 'text' },
  terminalSize: { columns: 'u32', rows: 'u32' },
  /** lstat(2), reduced to what tsrun asks. */
  fileInfo: { type: 'fileType', mode: 'u32', uid: 'u32' },
  /**
   * What is at the end of a path, links followed: `noexec` as it is mounted here, `place` the path without links, both
   * below the root that was given.
   */
  lookedAt: { type: 'fileType', mode: 'u32', uid: 'u32', gid: 'u32', noexec: 'boolean', place: 'text' },
  processIds: { pid: 'i32', euid: 'u32', egid: 'u32' },
  /** What /proc/PID/stat tells (proc(5)). */
  processStat: {
    name: 'text',
    /** R, S, D, Z, X … */
    state: 'text',
    /** Pid of the parent. */
    parent: 'i32',
    /** PF_EXITING: it is ending or has ended. */
    exiting: 'boolean',
    /** Clock ticks since boot; as text, since it is only ever compared. */
    startTime: 'text',
  },
  /** struct sched_attr of sched_setattr(2); times in nanoseconds. */
  schedulerAttributes: {
    policy: 'u32',
    flags: 'u64',
    nice: 'i32',
    priority: 'u32',
    runtime: 'u64',
    deadline: 'u64',
    period: 'u64',
  },
  errorText: { name: 'text', words: 'text' },
  /** Of several rules for a device and a kind of access the last one decides; -1: every number. */
  deviceRule: { allow: 'boolean', type: 'deviceType', major: 'i32', minor: 'i32', access: 'text' },
  /** `op`: enum scmp_compare; `valueTwo` is used by SCMP_CMP_MASKED_EQ. */
  seccompCondition: { index: 'u32', op: 'u32', value: 'u64', valueTwo: 'u64' },
  seccompRule: { names: 'texts', action: 'u32', conditions: 'seccompCondition[]' },
  seccompRequest: {
    defaultAction: 'u32',
    architectures: 'texts',
    enosysForNewer: 'boolean',
    failUnknown: 'boolean',
    rules: 'seccompRule[]',
    alsoNamed: 'texts',
  },
  /** A layer, or with `layer` false an archive of an image, on its way into the directory of `root`. */
  unpackRequest: {
    /** Read from where it stands. */
    blob: 'i32',
    root: 'i32',
    /** Of the tar, and of all files together. */
    maxBytes: 'number',
    maxEntries: 'number',
    devices: 'boolean',
    layer: 'boolean',
  },
  /** `digest`: SHA-256 in hexadecimal digits; where `refused` has words, they are about `entry`, or about the whole. */
  imageResult: { digest: 'text', size: 'number', entry: 'text', refused: 'text' },
  /** `lowers`: the topmost first; without `upper` and `work` it can only be read. See native/image/overlay.h. */
  overlayRequest: {
    lowers: 'texts',
    upper: 'path',
    work: 'path',
    user: 'boolean',
    passing: 'boolean',
    grows: 'boolean',
  },
} as const
