/** Command line: the flags that say how a container of an image is to be, named as those of `docker run`. */
import { UsageError } from '../core.js'
import { memberOf, type OptionSpec } from './argv.js'
import { imageRootOption } from './image-root.js'
import type { OptionValues } from './options.js'

/** A flag of a namespace that is the host's, or as `own` says the container's. */
const namespaceOption = <const N extends string, const O extends string>(name: N, own: O, what: string) =>
  ({
    name,
    kind: 'string',
    value: 'NAME',
    choices: [own, 'host'],
    description: `${what}: ${own} (the default), or host: as the host`,
  }) as const

/** Flags of `bundle create` and of `run --image`. */
export const overrideOptions = [
  {
    name: 'env',
    short: 'e',
    kind: 'list',
    value: 'NAME=VALUE',
    description: 'set a variable; NAME alone takes it over',
  },
  { name: 'env-file', kind: 'list', value: 'FILE', description: 'set the variables in a file, a line for each' },
  {
    name: 'user',
    short: 'u',
    kind: 'string',
    value: 'USER',
    description: 'user of the program: NAME or UID, also :GROUP',
  },
  {
    name: 'volume',
    short: 'v',
    kind: 'list',
    value: 'SOURCE:PATH',
    description: 'show a directory or file of the host at a path; with :ro it can only be read',
  },
  {
    name: 'mount',
    kind: 'list',
    value: 'SPEC',
    description: 'mount type=bind,source=PATH,target=PATH[,readonly] or type=tmpfs,target=PATH[,tmpfs-size=SIZE]',
  },
  {
    name: 'tmpfs',
    kind: 'list',
    value: 'PATH',
    description: 'an empty file system in memory at a path; :OPTIONS may follow',
  },
  { name: 'workdir', short: 'w', kind: 'string', value: 'DIR', description: 'directory that the program starts in' },
  { name: 'entrypoint', kind: 'string', value: 'PROGRAM', description: "program in the place of the image's own" },
  {
    name: 'memory',
    short: 'm',
    kind: 'string',
    value: 'SIZE',
    description: 'memory limit; there is no swap beside it',
  },
  { name: 'cpus', kind: 'string', value: 'N', description: 'CPUs that may be used, also a fraction' },
  {
    name: 'memory-swap',
    kind: 'string',
    value: 'SIZE',
    description: 'limit of memory and swap together; -1: any amount',
  },
  { name: 'memory-reservation', kind: 'string', value: 'SIZE', description: 'memory that is not reclaimed' },
  { name: 'cpu-shares', kind: 'int', value: 'N', min: 2, description: 'relative weight for CPU time' },
  { name: 'cpuset-cpus', kind: 'string', value: 'LIST', description: 'CPUs to use, such as 0-3,7' },
  { name: 'cpuset-mems', kind: 'string', value: 'LIST', description: 'memory nodes to use' },
  {
    name: 'pids-limit',
    kind: 'int',
    value: 'N',
    min: -1,
    description: 'processes and threads at most; -1: any number',
  },
  { name: 'domainname', kind: 'string', value: 'NAME', description: 'NIS domain name in the container' },
  { name: 'hostname', kind: 'string', value: 'NAME', description: 'host name in the container' },
  { name: 'read-only', kind: 'boolean', description: 'let nothing be written to the root file system' },
  namespaceOption('network', 'none', 'network'),
  namespaceOption('pid', 'private', 'processes that are seen'),
  namespaceOption('ipc', 'private', 'shared memory and queues'),
  namespaceOption('uts', 'private', 'names of the host'),
  namespaceOption('cgroupns', 'private', 'cgroups that are seen'),
  { name: 'tty', short: 't', kind: 'boolean', description: 'give the program a terminal' },
  { name: 'cap-add', kind: 'list', value: 'NAME', description: 'add a capability' },
  { name: 'cap-drop', kind: 'list', value: 'NAME', description: 'take a capability away, or ALL' },
  {
    name: 'security-opt',
    kind: 'list',
    value: 'OPTION',
    description:
      'no-new-privileges; seccomp=FILE or seccomp=unconfined; apparmor=PROFILE; systempaths=unconfined: mask nothing',
  },
  { name: 'ulimit', kind: 'list', value: 'NAME=SOFT[:HARD]', description: 'a limit such as nofile=1024:2048' },
  { name: 'sysctl', kind: 'list', value: 'NAME=VALUE', description: "set a kernel parameter of the container's own" },
  { name: 'shm-size', kind: 'string', value: 'SIZE', description: 'size of /dev/shm (default: 64m)' },
  { name: 'group-add', kind: 'list', value: 'GROUP', description: 'a further group of the program: NAME or GID' },
  {
    name: 'oom-score-adj',
    kind: 'int',
    value: 'N',
    min: -1000,
    description: 'how soon to be killed for want of memory',
  },
  { name: 'label', short: 'l', kind: 'list', value: 'NAME=VALUE', description: 'add an annotation; NAME alone: empty' },
  { name: 'annotation', kind: 'list', value: 'NAME=VALUE', description: 'add an annotation' },
] as const satisfies readonly OptionSpec[]

/** Flags of `run` that make the bundle. */
export const imageRunOptions = [
  {
    name: 'image',
    kind: 'string',
    value: 'IMAGE',
    description: 'run this image, pulled if it is not there; what follows are the arguments',
  },
  { name: 'name', kind: 'string', value: 'ID', description: 'id of the container of an image (default: a new one)' },
  imageRootOption,
  { name: 'insecure', kind: 'boolean', description: 'pull the image without TLS, from a registry of this machine' },
  {
    name: 'pull',
    kind: 'string',
    value: 'WHEN',
    choices: ['missing', 'always', 'never'],
    description: 'pull the image when it is missing (the default), always or never',
  },
  { name: 'rm', kind: 'boolean', description: 'leave nothing of the container, as in any case without --keep' },
  { name: 'interactive', short: 'i', kind: 'boolean', description: 'pass standard input on, as in any case' },
  ...overrideOptions,
] as const satisfies readonly OptionSpec[]

/** Nothing is ignored: without an image the bundle says it all. @throws UsageError */
export function assertWithImage(values: Partial<OptionValues<typeof imageRunOptions>>): void {
  const given = imageRunOptions.find((option) => {
    const value = values[memberOf(option) as keyof typeof values]
    return value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0)
  })
  if (given !== undefined) throw new UsageError(`--${given.name} goes with --image: a bundle has its config.json`)
}
