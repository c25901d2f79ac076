/** `tsrun exec`. */
import { type ExecOptions, parseJson, UsageError } from '../../core.js'
import { readJsonText } from '../../native/binding.js'
import { type OptionSpec, unlessEmpty } from '../argv.js'
import { defineCommand } from '../command.js'
import { traceOption } from '../options.js'

/** Their members are those of ProcessChanges. */
const processOptions = [
  {
    name: 'process',
    short: 'p',
    kind: 'string',
    value: 'FILE',
    description: 'file with the process as JSON, as in config.json; instead of a command and of the options about it',
  },
  {
    name: 'interactive',
    short: 'i',
    kind: 'boolean',
    description: 'keep standard input open, which exec always does',
  },
  { name: 'tty', short: 't', kind: 'boolean', member: 'terminal', description: 'give the process a pseudoterminal' },
  { name: 'cwd', kind: 'string', value: 'DIR', read: unlessEmpty, description: 'working directory in the container' },
  {
    name: 'env',
    short: 'e',
    kind: 'list',
    value: 'NAME=VALUE',
    read: parseVariable,
    description: 'set an environment variable',
  },
  {
    name: 'user',
    short: 'u',
    kind: 'string',
    value: 'UID[:GID]',
    read: parseUser,
    description: 'user, and group, by number',
  },
  {
    name: 'additional-gids',
    short: 'g',
    kind: 'list',
    value: 'GID',
    read: parseId,
    description: 'add a group, by number',
  },
  {
    name: 'cap',
    short: 'c',
    kind: 'list',
    value: 'CAPABILITY',
    member: 'capabilities',
    description: 'add a capability to the bounding, effective and permitted set',
  },
  {
    name: 'no-new-privs',
    kind: 'boolean',
    member: 'noNewPrivileges',
    optional: true,
    description: 'no program may give the process more rights than it has',
  },
  {
    name: 'apparmor',
    kind: 'string',
    value: 'PROFILE',
    member: 'apparmorProfile',
    read: unlessEmpty,
    description: 'AppArmor profile',
  },
  {
    name: 'process-label',
    kind: 'string',
    value: 'LABEL',
    member: 'selinuxLabel',
    read: unlessEmpty,
    description: 'SELinux label',
  },
] as const satisfies readonly OptionSpec[]

/** Their members are those of ExecSettings. */
const launchOptions = [
  { name: 'detach', short: 'd', kind: 'boolean', description: 'return as soon as the process runs' },
  { name: 'pid-file', kind: 'string', value: 'FILE', description: 'file to write the pid of the process to' },
  {
    name: 'console-socket',
    kind: 'string',
    value: 'SOCKET',
    description: 'unix socket that receives the master of the pseudoterminal',
  },
  { name: 'pidfd-socket', kind: 'string', value: 'SOCKET', description: 'unix socket that receives a pidfd' },
  {
    name: 'preserve-fds',
    kind: 'int',
    value: 'N',
    default: 0,
    min: 0,
    description: 'pass N more descriptors to the process, after stdio',
  },
  {
    name: 'cgroup',
    kind: 'list',
    value: '[CONTROLLER:]PATH',
    description: "existing cgroup below the container's; with cgroup v1 one for each controller list",
  },
  { name: 'ignore-paused', kind: 'boolean', description: 'allow it in a paused container' },
  {
    name: 'no-subreaper',
    kind: 'boolean',
    description: 'do not become the parent of orphaned processes, which exec never does',
  },
] as const satisfies readonly OptionSpec[]

/** Adds a process to a container. */
export const command = defineCommand({
  name: 'exec',
  description:
    'Runs a further process in a container, with the user, capabilities, environment and limits of its config ' +
    'unless options say otherwise. The exit status is that of the process, or 128 + the number of the signal that ' +
    'killed it; 255 after an error of tsrun.',
  options: [...processOptions, ...launchOptions, traceOption],
  arguments: ['<container-id>', '[command...]'],
  stopAtPositional: true,
  startsProcess: true,
  failureStatus: 255,
  async run({ options: { process: file, ...options }, args: [id, args], context }) {
    if (file === undefined && args.length === 0) throw new UsageError('process args cannot be empty')
    const process = file === undefined ? { args } : { process: readProcess(file) }
    const container = await context.runtime().get(id)
    return await container.execForeground({ ...options, ...process })
  },
})

/** Checked by who uses it, as everything that comes from a file. */
const readProcess = (path: string): Extract<ExecOptions, { process: unknown }>['process'] =>
  parseJson(readJsonText(path), `process in ${JSON.stringify(path)}`) as Extract<
    ExecOptions,
    { process: unknown }
  >['process']

function parseVariable(text: string): string {
  if (text.indexOf('=') > 0) return text
  throw new UsageError(`invalid environment variable ${JSON.stringify(text)}: not NAME=VALUE`)
}

/** Numbers only, and all of the text: half of a user must not become root (CVE-2026-30892). */
function parseUser(text: string, option: OptionSpec): { uid: number; gid?: number } | undefined {
  if (text === '') return undefined
  const colon = text.indexOf(':')
  const uid = parseId(colon < 0 ? text : text.slice(0, colon), option)
  return colon < 0 ? { uid } : { uid, gid: parseId(text.slice(colon + 1), option) }
}

/** (uid_t) -1 means "leave as it is" to the kernel. */
const maxId = 0xfffffffe

function parseId(text: string, { name }: OptionSpec): number {
  const id = /^[0-9]{1,10}$/.test(text) ? Number(text) : NaN
  if (!(id <= maxId)) {
    throw new UsageError(`invalid value ${JSON.stringify(text)} for flag -${name}: must be a number from 0 to ${maxId}`)
  }
  return id
}
