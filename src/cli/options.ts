/** Command line: the options that several commands share, and the types of parsed options. */
import type { OptionSpec } from './argv.js'

type CamelCase<S extends string> = S extends `${infer Head}-${infer Tail}` ? `${Head}${Capitalize<CamelCase<Tail>>}` : S

type OptionValue<O extends OptionSpec> = O extends { readonly read: (...given: never) => infer T }
  ? O['kind'] extends 'list'
    ? readonly NonNullable<T>[]
    : NonNullable<T>
  : O['kind'] extends 'boolean'
    ? boolean
    : O['kind'] extends 'int'
      ? number
      : O['kind'] extends 'list'
        ? readonly string[]
        : string

type Always<O extends OptionSpec> = O extends { readonly optional: true }
  ? never
  : O extends { readonly default: string | number }
    ? O
    : O extends { readonly kind: 'boolean' | 'list' }
      ? O
      : never

type MemberOf<O extends OptionSpec> = O extends { readonly member: infer M extends string } ? M : CamelCase<O['name']>

type Named<O extends OptionSpec> = { readonly [P in O as MemberOf<P>]: OptionValue<P> }

/** What parsing by a table gives, by the members that its rows name: booleans, lists and defaults are always there. */
export type OptionValues<T extends readonly OptionSpec[]> = Named<Always<T[number]>> &
  Partial<Named<Exclude<T[number], Always<T[number]>>>>

/** Options that stand before the command. */
export const globalOptions = [
  {
    name: 'root',
    kind: 'string',
    value: 'DIR',
    description: 'directory of the state of all containers (default: /run/tsrun, without root $XDG_RUNTIME_DIR/tsrun)',
  },
  {
    name: 'log',
    kind: 'string',
    value: 'FILE',
    description: 'append errors to this file as well, or to journald:IDENTIFIER or syslog:IDENTIFIER',
  },
  {
    name: 'log-format',
    kind: 'string',
    value: 'FORMAT',
    default: 'text',
    choices: ['text', 'json'],
    description: 'format of the log: text or json',
  },
  {
    name: 'log-level',
    kind: 'string',
    value: 'LEVEL',
    choices: ['error', 'warning', 'debug'],
    description: 'what is logged: error, also warning (the default), or also debug',
  },
  { name: 'debug', kind: 'boolean', description: 'log what is done, print stack traces of errors' },
  {
    name: 'systemd-cgroup',
    kind: 'boolean',
    description: 'have systemd make the cgroups; cgroupsPath is then slice:prefix:name',
  },
  {
    name: 'cgroup-manager',
    kind: 'string',
    value: 'NAME',
    choices: ['cgroupfs', 'systemd', 'disabled'],
    description: 'who makes the cgroups: cgroupfs (default), systemd or disabled',
  },
  {
    name: 'rootless',
    kind: 'string',
    value: 'BOOL',
    default: 'auto',
    choices: ['true', 'false', 'auto'],
    description: 'ignore missing permission for cgroups: true, false or auto',
  },
  { name: 'criu', kind: 'string', value: 'FILE', description: 'has no effect: criu is found by the PATH' },
  { name: 'version', short: 'v', kind: 'boolean', description: 'print the version' },
] as const satisfies readonly OptionSpec[]

/** Where the bundle is. */
export const bundleOption = {
  name: 'bundle',
  short: 'b',
  kind: 'string',
  value: 'DIR',
  description: 'directory of the bundle (default: the current directory)',
} as const satisfies OptionSpec

/** Option of the commands whose steps can be seen: they run within `traced` (trace.ts). */
export const traceOption = {
  name: 'trace',
  kind: 'string',
  value: 'FILE',
  description: 'add every step with its time to a file, as trace events of Chrome; see tsrun trace',
} as const satisfies OptionSpec

/** How a list is printed. */
export const formatOption = {
  name: 'format',
  short: 'f',
  kind: 'string',
  value: 'FORMAT',
  default: 'table',
  choices: ['table', 'json'],
  description: 'table or json',
} as const satisfies OptionSpec

/** Options of the commands that make a container; their keys are those of CreateOptions. */
export const createOptions = [
  bundleOption,
  {
    name: 'config',
    short: 'f',
    kind: 'string',
    value: 'FILE',
    description: 'used instead of the config.json of the bundle',
  },
  {
    name: 'console-socket',
    kind: 'string',
    value: 'SOCKET',
    description: 'unix socket that receives the master of the pseudoterminal',
  },
  {
    name: 'pidfd-socket',
    kind: 'string',
    value: 'SOCKET',
    description: 'unix socket that receives a pidfd of the init process',
  },
  { name: 'pid-file', kind: 'string', value: 'FILE', description: 'file to write the pid of the init process to' },
  {
    name: 'no-pivot',
    kind: 'boolean',
    description: 'change the root by moving the mount, not by pivot_root: for a rootfs on a ramdisk',
  },
  { name: 'no-new-keyring', kind: 'boolean', description: "keep the caller's session keyring" },
  {
    name: 'preserve-fds',
    kind: 'int',
    value: 'N',
    default: 0,
    min: 0,
    description: 'pass N more descriptors to the container, after stdio and LISTEN_FDS',
  },
] as const satisfies readonly OptionSpec[]
