/**
 * The one table of what crosses between TypeScript and the addon: its functions; the records and names
 * that they take and give are in addon-records.ts. scripts/generate-wires.mjs makes the C++ side of it (declarations, conversions,
 * registration), addon-types.ts the types here. It imports nothing: the generator compiles it alone.
 *
 * Kinds: `i32`, `fd` (a descriptor; one that is given belongs to JavaScript, which gives it to `closeFile`), `u32`, `number` (a double), `u64` (number or bigint; as a result bigint), `boolean`, `text`,
 * `path` (a text without NUL, else EINVAL), `texts`, `i32s`, `pairs` (of two texts), `bytes`, `callback`, a name
 * of `enumTable` or `recordTable` (addon-records.ts), and a record with `[]` for a list of it. A result, or a member of a record, may end
 * in `?`: then undefined stands for nothing. A result may also be `void`.
 */

/**
 * The functions; C++ has them under the same name in snake case. What they do is said where they are given to
 * the rest of the program (files.ts, processes.ts, sockets.ts, poll.ts, init.ts, kernel.ts).
 */
export const functionTable = {
  // files.cc
  /** `strict`: a text that is not UTF-8 fails (EILSEQ). */
  readFile: { args: ['path:path', 'limit:u32', 'strict:boolean'], result: 'text' },
  /** Undefined where there is nothing, or nothing any more that it is about (ENOENT, ENOTDIR, ENODEV, ESRCH). */
  readFileIfAny: { args: ['path:path', 'limit:u32'], result: 'text?' },
  /** Undefined where there is nothing. EINVAL: it is no regular file, but a link, a fifo, a directory. */
  readRegularFile: { args: ['path:path', 'limit:u32'], result: 'text?' },
  writeFile: { args: ['path:path', 'text:text', 'flags:i32', 'mode:u32'], result: 'void' },
  replaceFile: { args: ['path:path', 'text:text', 'mode:u32'], result: 'void' },
  writeOut: { args: ['fd:i32', 'text:text'], result: 'void' },
  makeDirectory: { args: ['path:path', 'mode:u32'], result: 'void' },
  renameFile: { args: ['from:path', 'to:path'], result: 'void' },
  removeFile: { args: ['path:path'], result: 'void' },
  removeDirectory: { args: ['path:path'], result: 'void' },
  listDirectory: { args: ['path:path'], result: 'texts' },
  realPath: { args: ['path:path'], result: 'text' },
  readLink: { args: ['path:path'], result: 'text' },
  fileInfo: { args: ['path:path'], result: 'fileInfo?' },
  isWritable: { args: ['path:path'], result: 'boolean' },
  sameFile: { args: ['one:path', 'other:path'], result: 'boolean' },
  hasAttribute: { args: ['path:path', 'name:path'], result: 'boolean' },
  openFile: { args: ['path:path', 'flags:i32'], result: 'fd' },
  closeFile: { args: ['fd:i32'], result: 'void' },
  memoryFile: { args: ['name:path', 'text:text'], result: 'fd' },
  readTail: { args: ['fd:i32', 'limit:u32'], result: 'text' },
  lockFile: { args: ['fd:i32', 'shared:boolean', 'wait:boolean'], result: 'boolean' },
  ownStreams: { args: ['fds:i32s', 'uid:u32'], result: 'void' },
  changeOwner: { args: ['path:path', 'uid:u32', 'gid:u32'], result: 'void' },
  // below.cc
  lookBelow: { args: ['root:path', 'path:path'], result: 'lookedAt?' },
  readBelow: { args: ['root:path', 'path:path', 'offset:number', 'size:u32'], result: 'bytes?' },
  // process.cc
  processIds: { args: [], result: 'processIds' },
  processStat: { args: ['pid:i32'], result: 'processStat?' },
  permittedCapabilities: { args: [], result: 'u64' },
  openProcess: { args: ['pid:i32'], result: 'fd' },
  signalProcess: { args: ['pidfd:i32', 'signal:i32'], result: 'boolean' },
  reapProcess: { args: ['pidfd:i32'], result: 'i32?' },
  setScheduler: { args: ['pid:i32', 'attributes:schedulerAttributes'], result: 'void' },
  takeDescriptor: { args: ['pidfd:i32', 'fd:i32'], result: 'fd' },
  setSubreaper: { args: [], result: 'void' },
  errorText: { args: ['errno:i32'], result: 'errorText' },
  // user_namespace.cc
  enterUserNamespace: { args: ['uidMap:texts', 'gidMap:texts'], result: 'void' },
  // image.cc
  machineName: { args: [], result: 'text' },
  sha256: { args: ['text:text'], result: 'text' },
  storeImageBlob: { args: ['source:i32', 'target:path', 'limit:number'], result: 'imageResult' },
  unpackArchive: { args: ['request:unpackRequest'], result: 'imageResult' },
  openOverlay: { args: ['request:overlayRequest'], result: 'fd' },
  attachMount: { args: ['mount:i32', 'path:path'], result: 'void' },
  detachMount: { args: ['path:path'], result: 'boolean' },
  copyTree: { args: ['from:path', 'to:path'], result: 'void' },
  removeTree: { args: ['path:path'], result: 'void' },
  openInRoot: { args: ['root:path', 'path:path'], result: 'fd' },
  syncPath: { args: ['path:path', 'fileSystem:boolean'], result: 'void' },
  writeArchive: { args: ['fd:i32', 'files:pairs'], result: 'void' },
  // cgroup.cc, device_filter.cc
  writeCgroup: { args: ['directory:path', 'files:pairs'], result: 'rejectedWrite?' },
  cgroupSubtree: { args: ['directory:path', 'work:subtreeWork'], result: 'i32s' },
  setDeviceRules: { args: ['directory:path', 'rules:deviceRule[]'], result: 'void' },
  assembleDeviceRules: { args: ['rules:deviceRule[]'], result: 'bytes' },
  // net_device.cc
  moveDevices: { args: ['netns:path', 'moves:pairs'], result: 'rejectedDevice?' },
  // launch.cc
  launch: { args: ['request:launchRequest'], result: 'launched' },
  receive: { args: ['socket:i32', 'wait:boolean'], result: 'frame?' },
  sendGo: { args: ['fd:i32'], result: 'void' },
  // spawn.cc
  spawnProgram: { args: ['request:spawnRequest'], result: 'fd' },
  spawnService: { args: ['request:spawnRequest'], result: 'service' },
  // sockets.cc
  listenStart: { args: ['path:path'], result: 'fd' },
  connectSocket: { args: ['path:path', 'type:u32'], result: 'fd' },
  sendDescriptor: { args: ['socket:i32', 'text:text', 'fd:i32'], result: 'void' },
  sendBytes: { args: ['socket:i32', 'bytes:bytes'], result: 'void' },
  receiveBytes: { args: ['socket:i32', 'limit:u32'], result: 'bytes?' },
  peekDescriptor: { args: ['socket:i32'], result: 'fd' },
  // terminal.cc
  terminalSize: { args: ['fd:i32'], result: 'terminalSize?' },
  setKeyMode: { args: ['fd:i32', 'on:boolean'], result: 'void' },
  openSignals: { args: ['numbers:i32s'], result: 'fd' },
  nextSignal: { args: ['fd:i32'], result: 'i32?' },
  suspend: { args: [], result: 'void' },
  readKeys: { args: ['fd:i32'], result: 'text' },
  readAgain: { args: ['fds:i32s'], result: 'texts' },
  raiseOpenFiles: { args: [], result: 'u32' },
  // probe.cc
  probe: { args: ['what:probeName', 'path:path'], result: 'i32' },
  kernelRelease: { args: [], result: 'text' },
  // watch.cc
  microseconds: { args: [], result: 'number' },
  waitReadable: { args: ['fd:i32', 'timeout:i32'], result: 'boolean' },
  notifyFile: { args: ['path:path'], result: 'fd' },
  openTimer: { args: ['milliseconds:number', 'repeat:boolean'], result: 'fd' },
  gather: { args: ['fds:i32s'], result: 'fd' },
  notifyMemory: { args: ['directory:path', 'file:text', 'level:text'], result: 'fd' },
  drain: { args: ['fd:i32'], result: 'void' },
  // foreground.cc
  catchSignals: { args: [], result: 'void' },
  adoptTerminal: { args: ['ptmx:i32'], result: 'void' },
  runForeground: { args: ['pid:i32', 'pidfd:i32', 'ptmx:i32', 'notify:i32', 'notifyHost:path'], result: 'i32' },
  // notify.cc
  listenNotify: { args: ['path:path'], result: 'fd' },
  forwardNotify: { args: ['fd:i32', 'host:path', 'pid:i32'], result: 'boolean' },
  // seccomp.cc
  compileSeccomp: { args: ['request:seccompRequest', 'cache:path'], result: 'bytes' },
  seccompVersion: { args: [], result: 'text' },
} as const

/**
 * Functions for programs with an event loop (native/library, event-loop.ts). The static executable is linked without
 * them: its engine has no thread-safe functions.
 */
export const libraryTable = {
  // watcher.cc
  watch: { args: ['fd:i32', 'events:u32', 'child:boolean', 'callback:callback'], result: 'number' },
  unwatch: { args: ['number:number'], result: 'void' },
  holdLoop: { args: ['change:i32'], result: 'void' },
  // mounts.cc
  mountsChanged: { args: [], result: 'boolean' },
  // background.cc
  launchInBackground: { args: ['request:launchRequest'], result: 'startedLaunch' },
  finishLaunch: { args: ['job:u32'], result: 'launched' },
  lockInBackground: { args: ['fd:i32'], result: 'fd' },
  // streams.cc
  openPipe: { args: [], result: 'openedPipe' },
  copyDescriptor: { args: ['fd:i32'], result: 'fd' },
  setNonBlocking: { args: ['fd:i32'], result: 'void' },
  readBytes: { args: ['fd:i32'], result: 'bytes?' },
  writeBytes: { args: ['fd:i32', 'bytes:bytes', 'offset:u32'], result: 'u32' },
  setTerminalSize: { args: ['ptmx:i32', 'columns:u32', 'rows:u32'], result: 'void' },
  // notifications.cc
  receiveNotification: { args: ['listener:i32'], result: 'notification?' },
  readNotified: { args: ['listener:i32', 'id:u64', 'pid:i32', 'address:u64', 'size:u32'], result: 'bytes' },
  answerNotification: {
    args: ['listener:i32', 'id:u64', 'value:number', 'error:i32', 'pass:boolean'],
    result: 'boolean',
  },
  giveDescriptor: {
    args: ['listener:i32', 'id:u64', 'fd:i32', 'at:i32', 'closeOnExec:boolean', 'answer:boolean'],
    result: 'i32',
  },
  connectNotified: { args: ['listener:i32', 'id:u64', 'pid:i32', 'fd:i32', 'address:bytes'], result: 'fd' },
  openPressure: { args: ['path:path', 'trigger:text'], result: 'fd' },
} as const
