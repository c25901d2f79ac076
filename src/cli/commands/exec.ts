/** `tsrun exec`. */
import { type ExecOptions, parseJson, type ProcessChanges, UsageError } from '../../core.js'
import { readJsonText } from '../../native/binding.js'
import { defineCommand } from '../command.js'
import { traceOption, type OptionValues } from '../options.js'

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
  { name: 'tty', short: 't', kind: 'boolean', description: 'give the process a pseudoterminal' },
  { name: 'cwd', kind: 'string', value: 'DIR', description: 'working directory in the container' },
  { name: 'env', short: 'e', kind: 'list', value: 'NAME=VALUE', description: 'set an environment variable' },
  { name: 'user', short: 'u', kind: 'string', value: 'UID[:GID]', description: 'user, and group, by number' },
  { name: 'additional-gids', short: 'g', kind: 'list', value: 'GID', description: 'add a group, by number' },
  {
    name: 'cap',
    short: 'c',
    kind: 'list',
    value: 'CAPABILITY',
    description: 'add a capability to the bounding, effective and permitted set',
  },
  { name: 'no-new-privs', kind: 'boolean', description: 'no program may give the process more rights than it has' },
  { name: 'apparmor', kind: 'string', value: 'PROFILE', description: 'AppArmor profile' },
  { name: 'process-label', kind: 'string', value: 'LABEL', description: 'SELinux label' },
] as const

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
] as const

type Values = OptionValues<readonly [...typeof processOptions, ...typeof launchOptions]>

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
  async run({ options, args: [id, args], context }) {
    const process = options.process === undefined ? changes(options, args) : { process: readProcess(options.process) }
    const { detach, pidFile, consoleSocket, pidfdSocket, preserveFds, cgroup, ignorePaused } = options
    const runtime = context.runtime()
    const container = await runtime.get(id)
    return await container.execForeground({
      ...process,
      ...(pidFile === undefined ? {} : { pidFile }),
      ...(consoleSocket === undefined ? {} : { consoleSocket }),
      ...(pidfdSocket === undefined ? {} : { pidfdSocket }),
      ...{ detach, preserveFds, cgroup, ignorePaused },
    })
  },
})

/** Checked by who uses it, as everything that comes from a file. */
const readProcess = (path: string): Extract<ExecOptions, { process: unknown }>['process'] =>
  parseJson(readJsonText(path), `process in ${JSON.stringify(path)}`) as Extract<
    ExecOptions,
    { process: unknown }
  >['process']

function changes(options: Values, args: readonly string[]): ProcessChanges {
  if (args.length === 0) throw new UsageError('process args cannot be empty')
  const { tty, cwd, env, user, additionalGids, cap, noNewPrivs, apparmor, processLabel } = options
  const unset = env.find((entry) => entry.indexOf('=') < 1)
  if (unset !== undefined) throw new UsageError(`invalid environment variable ${JSON.stringify(unset)}: not NAME=VALUE`)
  return {
    args,
    terminal: tty,
    env,
    capabilities: cap,
    additionalGids: additionalGids.map((text) => parseId(text, 'additional-gids')),
    ...(cwd ? { cwd } : {}),
    ...(user ? { user: parseUser(user) } : {}),
    ...(noNewPrivs ? { noNewPrivileges: true } : {}),
    ...(apparmor ? { apparmorProfile: apparmor } : {}),
    ...(processLabel ? { selinuxLabel: processLabel } : {}),
  }
}

/** Numbers only, and all of the text: half of a user must not become root (CVE-2026-30892). */
function parseUser(text: string): { uid: number; gid?: number } {
  const colon = text.indexOf(':')
  const uid = parseId(colon < 0 ? text : text.slice(0, colon), 'user')
  return colon < 0 ? { uid } : { uid, gid: parseId(text.slice(colon + 1), 'user') }
}

/** (uid_t) -1 means "leave as it is" to the kernel. */
const maxId = 0xfffffffe

function parseId(text: string, option: string): number {
  const id = /^[0-9]{1,10}$/.test(text) ? Number(text) : NaN
  if (!(id <= maxId)) {
    throw new UsageError(
      `invalid value ${JSON.stringify(text)} for flag -${option}: must be a number from 0 to ${maxId}`,
    )
  }
  return id
}
