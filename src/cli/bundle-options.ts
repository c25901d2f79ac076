/** Command line: how a container of an image is to be, by the flags of `docker run`. */
import { type Mount, parseSize, type Resources, UsageError } from '../core.js'
import type { Overrides } from '../image/convert.js'
import { readFile, realPath } from '../native/binding.js'
import type { OptionSpec } from './argv.js'
import { imageRootOption } from './image-root.js'
import type { OptionValues } from './options.js'

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
    name: 'pids-limit',
    kind: 'int',
    value: 'N',
    min: -1,
    description: 'processes and threads at most; -1: any number',
  },
  { name: 'hostname', kind: 'string', value: 'NAME', description: 'host name in the container' },
  { name: 'read-only', kind: 'boolean', description: 'let nothing be written to the root file system' },
  {
    name: 'network',
    kind: 'string',
    value: 'NAME',
    choices: ['none', 'host'],
    description: 'none (the default): nothing; host: as the host',
  },
  { name: 'tty', short: 't', kind: 'boolean', description: 'give the program a terminal' },
  { name: 'cap-add', kind: 'list', value: 'NAME', description: 'add a capability' },
  { name: 'cap-drop', kind: 'list', value: 'NAME', description: 'take a capability away, or ALL' },
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
  ...overrideOptions,
] as const satisfies readonly OptionSpec[]

type Values = OptionValues<typeof overrideOptions>

/** Nothing is ignored: without an image the bundle says it all. @throws UsageError */
export function assertWithImage(values: Partial<OptionValues<typeof imageRunOptions>>): void {
  const given = imageRunOptions.find(({ name }) => {
    const value = values[name.replace(/-./g, (dash) => dash.slice(1).toUpperCase()) as keyof typeof values]
    return value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0)
  })
  if (given !== undefined) throw new UsageError(`--${given.name} goes with --image: a bundle has its config.json`)
}

/** Microseconds in which CPU time is counted (config-linux.md "CPU"). */
const period = 100_000

/** What the flags say; `args` are those of the program. @throws UsageError, SyscallError */
export function overridesOf(values: Values, args: readonly string[]): Overrides {
  const { user, workdir, hostname, entrypoint } = values
  const env = [...values.envFile.flatMap(readEnvFile), ...values.env].flatMap(variable)
  return {
    ...(args.length === 0 ? {} : { args }),
    ...(entrypoint === undefined ? {} : { entrypoint: entrypoint === '' ? [] : [entrypoint] }),
    ...(user === undefined ? {} : { user }),
    ...(workdir === undefined ? {} : { workdir: absolute('--workdir', workdir) }),
    ...(hostname === undefined ? {} : { hostname }),
    ...{ env, readOnly: values.readOnly, tty: values.tty, network: networkOf(values.network) },
    mounts: [...values.volume.map(volume), ...values.tmpfs.map(tmpfs)],
    capAdd: values.capAdd.map(capability),
    capDrop: values.capDrop.map(capability),
    resources: resourcesOf(values),
    annotations: Object.fromEntries(values.annotation.map((text) => pair('--annotation', text))),
  }
}

function networkOf(name = 'none'): 'none' | 'host' {
  if (name !== 'none' && name !== 'host')
    throw new UsageError(`invalid value for --network: ${JSON.stringify(name)}: none or host`)
  return name
}

function pair(flag: string, text: string): [string, string] {
  const equals = text.indexOf('=')
  if (equals < 1) throw new UsageError(`invalid value for ${flag}: ${JSON.stringify(text)}: NAME=VALUE`)
  return [text.slice(0, equals), text.slice(equals + 1)]
}

/** A name without a value is taken over, and left out where the caller has none. */
function variable(text: string): string[] {
  if (text.startsWith('=') || text === '') throw new UsageError(`invalid value for --env: ${JSON.stringify(text)}`)
  if (text.includes('=')) return [text]
  const value = process.env[text]
  return value === undefined ? [] : [`${text}=${value}`]
}

const readEnvFile = (path: string): string[] =>
  readFile(path)
    .split('\n')
    .map((line) => line.replace(/\r$/, '').trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'))

function absolute(flag: string, path: string): string {
  if (path.startsWith('/')) return path
  throw new UsageError(`invalid value for ${flag}: ${JSON.stringify(path)} is not absolute`)
}

/** `SOURCE:PATH[:OPTIONS]`; a source that is no path would be a volume of an engine. */
function volume(text: string): Mount {
  const [source = '', path = '', options = '', ...more] = text.split(':')
  if (path === '' || more.length > 0 || !/^[./~]/.test(source) || source.startsWith('~'))
    throw new UsageError(
      `invalid value for --volume: ${JSON.stringify(text)}: SOURCE:PATH[:ro], SOURCE begins with / or .`,
    )
  const given = options === '' ? [] : options.split(',')
  return {
    ...{ destination: absolute('--volume', path), type: 'bind', source: realPath(source) },
    options: ['rbind', ...(given.some((one) => /^r?(private|shared|slave)$/.test(one)) ? [] : ['rprivate']), ...given],
  }
}

function tmpfs(text: string): Mount {
  const [path = '', options = ''] = text.split(':')
  const given = options === '' ? [] : options.split(',')
  return {
    ...{ destination: absolute('--tmpfs', path), type: 'tmpfs', source: 'tmpfs' },
    options: ['nosuid', 'nodev', 'noexec', ...given],
  }
}

function capability(text: string): string {
  const name = text.toUpperCase()
  return name === 'ALL' || name.startsWith('CAP_') ? name : `CAP_${name}`
}

function resourcesOf({ memory, cpus, pidsLimit }: Values): Resources {
  const limit = memory === undefined ? undefined : parseSize('--memory', memory)
  const count = cpus === undefined ? undefined : /^\d*\.?\d+$/.test(cpus) ? Number(cpus) : NaN
  if (count !== undefined && !(count >= 0.01 && count <= 8192))
    throw new UsageError(`invalid value for --cpus: ${JSON.stringify(cpus)}: a number of 0.01 or more`)
  return {
    ...(limit === undefined ? {} : { memory: { limit, swap: limit } }),
    ...(count === undefined ? {} : { cpu: { quota: Math.max(1000, Math.round(count * period)), period } }),
    ...(pidsLimit === undefined ? {} : { pids: { limit: pidsLimit } }),
  }
}
